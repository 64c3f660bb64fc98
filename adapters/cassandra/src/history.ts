import type { HistoryRow, Write } from "sentseen/ports";
import { Batches } from "./batches.js";
import { HistoryBuckets } from "./history-buckets.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { atMost, bigint, blob, expiryOf, numberOf, ttl } from "./values.js";

type HistoryWrite = Extract<Write, { kind: "history" }>;

/** Entries of one partition: half a megabyte of usual ones, 64 of the largest. */
const BUCKET = 1_024;

/** Which entries are asked for. */
export interface HistoryRange {
  readonly conversation: string;
  readonly after: number;
  readonly before: number;
  readonly limit: number;
  /** The last ones, where there are more than `limit`. */
  readonly last: boolean;
}

/** The history of conversations, each in partitions of so many entries. */
export class History {
  readonly #buckets: HistoryBuckets;

  constructor(
    private readonly statements: Statements,
    private readonly now: () => number,
  ) {
    this.#buckets = new HistoryBuckets(statements, now);
  }

  async put(call: Call, writes: readonly HistoryWrite[]): Promise<void> {
    const now = this.now();
    const batches = new Batches();
    const coming: { conversation: string; bucket: number; expires_at: number | null }[] = [];
    for (const { conversation, seq, value, offset, ...write } of writes) {
      const expires_at = expiryOf(write.expires_at);
      const bucket = bucketOf(seq);
      coming.push({ conversation, bucket, expires_at });
      const params = [bigint(offset), ttl(expires_at, now), blob(value), conversation, bigint(bucket), bigint(seq)];
      batches.add(`${conversation} ${bucket}`, [this.statements.of("put-history", ...params)]);
    }
    await this.#buckets.cover(call, coming);
    await call.land(batches);
  }

  /** Rows with `after` < seq < `before`, ascending. */
  async read(call: Call, range: HistoryRange): Promise<HistoryRow[]> {
    const { conversation, after, before, limit, last } = range;
    const found: HistoryRow[] = [];
    if (limit < 1 || before - after < 2) return found;
    const buckets = this.#buckets.between(call, conversation, bucketOf(after + 1), bucketOf(before - 1), last);
    const operation = last ? "read-history-back" : "read-history";
    const bounds = [bigint(after), bigint(before)];
    for await (const bucket of buckets) {
      const read = this.statements.of(operation, conversation, bigint(bucket), ...bounds, atMost(limit - found.length));
      for (const { seq, value } of await call.all(read)) found.push({ seq: numberOf(seq) as number, value });
      if (found.length >= limit) break;
    }
    return last ? found.reverse() : found;
  }
}

function bucketOf(seq: number): number {
  return Math.floor(seq / BUCKET);
}
