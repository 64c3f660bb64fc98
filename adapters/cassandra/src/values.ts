/**
 * The last time at which a row can expire, in milliseconds since 1970: a day before Cassandra's own, on 19 January 2038
 * (where its `storage_compatibility_mode` is what it is by default).
 */
const LAST_EXPIRY = 2_147_483_646_000 - 86_400_000;

/** Rows that a `LIMIT` can name at most. */
const MAX_LIMIT = 0x7fffffff;

/**
 * Milliseconds by which an entry of an index outlives the rows it was written for, so that the rows which follow
 * needn't write it again.
 */
export const LEEWAY_MS = 3_600_000;

/** When a row is to expire; null, which is never, where the engine can't count that far. */
export function expiryOf(expires_at: number | null): number | null {
  return expires_at !== null && expires_at > LAST_EXPIRY ? null : expires_at;
}

/**
 * Seconds until a time that `expiryOf` answered; 0, which is no expiry, for null. What has expired already lives for
 * one second: it is still newer than what it replaces.
 */
export function ttl(expires_at: number | null, now: number): number {
  return expires_at === null ? 0 : Math.max(Math.ceil((expires_at - now) / 1_000), 1);
}

/** How many rows a read may answer at most, as a parameter. */
export function atMost(limit: number): number {
  return Math.min(limit, MAX_LIMIT);
}

/** A bigint as the driver answers it, in whatever class it is set up to use; null where there is none. */
export function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(String(value));
}

/** A number for a parameter of 64 bits. */
export function bigint(value: number): string {
  return String(value);
}

/** Bytes for a blob. A copy: a request that is tried once more must not read memory that is its caller's again. */
export function blob(value: Uint8Array): Buffer {
  return Buffer.from(value);
}
