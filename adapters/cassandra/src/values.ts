/** Seconds that the engines let a row live at most: 20 years. */
const MAX_TTL = 630_720_000;

/**
 * Seconds until `expires_at` (milliseconds since 1970), and some more; 0, which is no expiry, for null. What has
 * expired already lives for one second: it is still newer than what it replaces.
 */
export function ttl(expires_at: number | null, now: number, more = 0): number {
  if (expires_at === null) return 0;
  return Math.min(Math.max(Math.ceil((expires_at - now) / 1_000) + more, 1), MAX_TTL);
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
