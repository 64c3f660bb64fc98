import type { Offset } from "sentseen/ports";
import { Batches } from "./batches.js";
import { Recent } from "./recent.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { bigint, LEEWAY_MS, numberOf, ttl } from "./values.js";

const DAY_MS = 86_400_000;

/**
 * How far beyond a row the bounds of its partition are put, so that the next rows needn't move them: ten minutes, where
 * positions are microseconds. The bounds may be too wide, which costs a look, but never too narrow.
 */
const AHEAD = 600_000_000;

/** Partitions whose bounds are remembered: some tens of megabytes. */
const REMEMBERED = 100_000;

/** Below every position. */
export const BEFORE_ALL: Offset = -1;

/** One partition of a mailbox: no row's position lies outside of the bounds. */
export interface Bucket {
  readonly bucket: number;
  readonly first: Offset;
  readonly last: Offset;
}

/** What the index of a mailbox says. */
export interface MailboxIndex {
  readonly buckets: readonly Bucket[];
  readonly trimmed: Offset;
  /** Trimmed rows up to here have been deleted too. */
  readonly cleared: Offset;
}

/** Rows that are about to be written to one partition. */
export interface Coming extends Bucket {
  readonly user: string;
  readonly expires_at: number | null;
}

/**
 * The partition for rows that are written now: one for each day. Rows that never go have others than those that do, so
 * that their entries in the index don't expire.
 */
export function bucketOf(now: number, expires_at: number | null): number {
  const day = Math.floor(now / DAY_MS);
  return expires_at === null ? -1 - day : day;
}

/**
 * The index of mailboxes: which partitions each one has, and the bounds of the positions in them. What is known to be
 * there isn't written again.
 */
export class MailboxBuckets {
  readonly #known = new Recent<string, { first: Offset; last: Offset; until: number }>(REMEMBERED);

  constructor(
    private readonly statements: Statements,
    private readonly now: () => number,
  ) {}

  /** Resolves when the index covers the rows: they may be written then. */
  async cover(call: Call, coming: readonly Coming[]): Promise<void> {
    const batches = new Batches();
    const wider = coming.filter((rows) => !this.#covers(rows)).map((rows) => this.#widened(rows));
    for (const { user, bucket, first, last, expires_at } of wider) {
      const until = expires_at === null ? null : expires_at + LEEWAY_MS;
      const seconds = ttl(until, this.now());
      const key = [user, bucket];
      const bounds = [
        this.statements.of("put-mailbox-first", bigint(-first), seconds, bigint(first), ...key),
        this.statements.of("put-mailbox-last", bigint(last), seconds, bigint(last), ...key),
      ];
      // A bound that stays as it is isn't made to stay longer. Without it, it counts as the widest.
      if (until !== null)
        bounds.push(this.statements.of("put-mailbox-until", bigint(until), seconds, bigint(until), ...key));
      batches.add(user, bounds);
    }
    await call.land(batches);
    for (const rows of wider) this.#remember(rows);
  }

  async read(call: Call, user: string): Promise<MailboxIndex> {
    const rows = await call.all(this.statements.of("read-mailbox-buckets", user));
    const buckets: Bucket[] = [];
    for (const row of rows) {
      // A mailbox that was only trimmed has no bucket.
      if (row.bucket === null) continue;
      const first = numberOf(row.first_position) ?? BEFORE_ALL;
      const last = numberOf(row.last_position) ?? Number.MAX_SAFE_INTEGER;
      buckets.push({ bucket: row.bucket, first, last });
    }
    return {
      buckets: buckets.sort((one, other) => one.first - other.first),
      trimmed: numberOf(rows[0]?.trimmed) ?? BEFORE_ALL,
      cleared: numberOf(rows[0]?.cleared) ?? BEFORE_ALL,
    };
  }

  #covers(rows: Coming): boolean {
    const known = this.#known.get(keyOf(rows));
    if (known === undefined) return false;
    return known.first <= rows.first && known.last >= rows.last && known.until >= expiry(rows.expires_at);
  }

  #widened(rows: Coming): Coming {
    const known = this.#known.get(keyOf(rows));
    const ahead = Math.min(rows.last + AHEAD, Number.MAX_SAFE_INTEGER);
    const first = Math.min(rows.first, known?.first ?? rows.first);
    return { ...rows, first, last: Math.max(ahead, known?.last ?? ahead) };
  }

  #remember(rows: Coming): void {
    const known = this.#known.get(keyOf(rows));
    const until = expiry(rows.expires_at) + LEEWAY_MS;
    this.#known.set(keyOf(rows), {
      first: Math.min(rows.first, known?.first ?? rows.first),
      last: Math.max(rows.last, known?.last ?? rows.last),
      until: Math.max(until, known?.until ?? until),
    });
  }
}

function keyOf({ user, bucket }: Coming): string {
  return `${bucket} ${user}`;
}

function expiry(expires_at: number | null): number {
  return expires_at ?? Number.POSITIVE_INFINITY;
}
