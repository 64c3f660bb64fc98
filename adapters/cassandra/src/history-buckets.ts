import { Batches } from "./batches.js";
import { Recent } from "./recent.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { bigint, LEEWAY_MS, numberOf, ttl } from "./values.js";

/** Partitions that are remembered to be in the index. */
const REMEMBERED = 100_000;

interface Coming {
  readonly conversation: string;
  readonly bucket: number;
  readonly expires_at: number | null;
}

/**
 * The index of history: which partitions a conversation has, so that none is looked for in vain. An entry in it goes
 * after the last row of its partition, and is written at most once an hour for that.
 */
export class HistoryBuckets {
  /** Up to which time (milliseconds since 1970) rows may expire that a partition's entry covers. */
  readonly #known = new Recent<string, number>(REMEMBERED);

  constructor(
    private readonly statements: Statements,
    private readonly now: () => number,
  ) {}

  /** Resolves when the index covers the rows: they may be written then. */
  async cover(call: Call, coming: readonly Coming[]): Promise<void> {
    const wanted = new Map<string, Coming>();
    for (const rows of coming) {
      const key = `${rows.conversation} ${rows.bucket}`;
      const there = wanted.get(key);
      const covered = there === undefined ? (this.#known.get(key) ?? Number.NEGATIVE_INFINITY) : expiry(there);
      if (expiry(rows) > covered) wanted.set(key, rows);
    }
    const batches = new Batches();
    for (const { conversation, bucket, expires_at } of wanted.values()) {
      const until = expires_at === null ? null : expires_at + LEEWAY_MS;
      // One that is there for ever is newer than any that expires: milliseconds are always fewer than microseconds.
      const time = until ?? this.now() * 1_000;
      const params = [conversation, bigint(bucket), bigint(time), ttl(until, this.now())];
      batches.add(conversation, [this.statements.of("put-history-bucket", ...params)]);
    }
    await call.land(batches);
    for (const [key, rows] of wanted) this.#known.set(key, expiry(rows) + LEEWAY_MS);
  }

  /** The partitions between two, both included, ascending or descending. */
  async *between(call: Call, conversation: string, low: number, high: number, back: boolean): AsyncGenerator<number> {
    const operation = back ? "read-history-buckets-back" : "read-history-buckets";
    const read = this.statements.of(operation, conversation, bigint(low), bigint(high));
    for await (const { bucket } of call.rows(read)) yield numberOf(bucket) as number;
  }
}

function expiry({ expires_at }: Coming): number {
  return expires_at ?? Number.POSITIVE_INFINITY;
}
