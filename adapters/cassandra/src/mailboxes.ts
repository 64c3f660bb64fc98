import type { MailboxRow, Offset, Write } from "sentseen/ports";
import { Batches } from "./batches.js";
import { type Bucket, bucketOf, type Coming, MailboxBuckets } from "./mailbox-buckets.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { atMost, bigint, blob, expiryOf, numberOf, ttl } from "./values.js";

type MailboxWrite = Extract<Write, { kind: "mailbox" }>;
type Trim = Extract<Write, { kind: "trim" }>;

/**
 * Mailboxes. Rows stand in the partition of the day on which they are written, whatever their positions, so that those
 * of one write are in one partition and land in one batch [R3 b]. A row that is written again on another day is in
 * both, and is read once.
 */
export class Mailboxes {
  readonly #buckets: MailboxBuckets;

  constructor(
    private readonly statements: Statements,
    private readonly now: () => number,
  ) {
    this.#buckets = new MailboxBuckets(statements, now);
  }

  async put(call: Call, writes: readonly MailboxWrite[]): Promise<void> {
    const now = this.now();
    const coming: Coming[] = [];
    const batches = new Batches();
    for (const { user, rows, ...write } of writes) {
      const expires_at = expiryOf(write.expires_at);
      const expired = expires_at !== null && expires_at <= now;
      if (rows.length === 0 || expired) continue;
      const sorted = [...rows].sort((one, other) => one.position - other.position);
      const bucket = bucketOf(now, expires_at);
      const [first, last] = [sorted[0] as MailboxRow, sorted.at(-1) as MailboxRow];
      coming.push({ user, bucket, first: first.position, last: last.position, expires_at });
      const seconds = ttl(expires_at, now);
      batches.add(
        `${bucket} ${user}`,
        sorted.map(({ position, value }) =>
          this.statements.of("put-mailbox-row", seconds, blob(value), user, bucket, bigint(position)),
        ),
      );
    }
    await this.#buckets.cover(call, coming);
    await call.land(batches);
  }

  /**
   * Raises the position behind which each mailbox begins, which is what makes the rows invisible, and then deletes
   * them. Rows that land later are invisible as well, and go with the next trim or when they expire.
   */
  async trim(call: Call, writes: readonly Trim[]): Promise<void> {
    const positions = new Map<string, Offset>();
    for (const { user, position } of writes) positions.set(user, Math.max(positions.get(user) ?? 0, position));
    await call.each([...positions], async ([user, position]) => {
      const { buckets, trimmed, cleared } = await this.#buckets.read(call, user);
      const at = bigint(position);
      if (position > trimmed) await call.execute(this.statements.of("put-trimmed", at, at, user));
      if (position <= cleared) return;
      const batches = new Batches();
      for (const { bucket, first, last } of buckets) {
        if (first > position || last <= cleared) continue;
        batches.add(`${bucket}`, [this.statements.of("delete-mailbox-rows", user, bucket, at)]);
      }
      await call.land(batches);
      await call.execute(this.statements.of("put-cleared", at, at, user));
    });
  }

  /** Rows with `after` < position ≤ `upTo`, in order, at most `limit`. */
  async read(call: Call, user: string, after: Offset, upTo: Offset, limit: number): Promise<MailboxRow[]> {
    const { buckets, trimmed } = await this.#buckets.read(call, user);
    const from = Math.max(after, trimmed);
    if (limit < 1 || from >= upTo) return [];
    const wanted = buckets.filter(({ first, last }) => last > from && first <= upTo);
    const pages = (some: readonly Bucket[]) =>
      Promise.all(some.map((bucket) => this.#readBucket(call, user, bucket, from, upTo, limit)));
    let rows: MailboxRow[] = [];
    let met = 0;
    // One partition is usually enough; where it isn't, more and more are read at once.
    for (let width = 1; met < wanted.length; width *= 2) {
      const end = rows.length < limit ? Number.POSITIVE_INFINITY : (rows.at(-1) as MailboxRow).position;
      const next = wanted.slice(met, met + width).filter(({ first }) => first < end);
      if (next.length === 0) break;
      rows = merged([rows, ...(await pages(next))], limit);
      met += next.length;
    }
    const last = rows.at(-1);
    if (met < 2 || last === undefined) return rows;
    // What landed in the meantime may have been seen in one partition and not in another. Whatever came before the
    // last row that was seen has landed by now: a second look has all of it. [R3 b]
    const again = merged([rows, ...(await pages(wanted.slice(0, met)))], limit);
    return again.filter(({ position }) => position <= last.position);
  }

  async #readBucket(
    call: Call,
    user: string,
    { bucket }: Bucket,
    from: Offset,
    upTo: Offset,
    limit: number,
  ): Promise<MailboxRow[]> {
    const read = this.statements.of("read-mailbox-rows", user, bucket, bigint(from), bigint(upTo), atMost(limit));
    const rows = await call.all(read);
    return rows.map(({ position, value }) => ({ position: numberOf(position) as number, value }));
  }
}

/** Rows in the order of their positions, each once, at most `limit`. */
function merged(pages: readonly (readonly MailboxRow[])[], limit: number): MailboxRow[] {
  const rows = new Map(pages.flat().map((row) => [row.position, row]));
  return [...rows.values()].sort((one, other) => one.position - other.position).slice(0, limit);
}
