import { setTimeout as pause } from "node:timers/promises";
import { fetchV13 } from "@platformatic/kafka";
import { ChatError, type QueueRecord } from "sentseen/ports";
import type { Cluster } from "./cluster.js";
import type { Connections } from "./connections.js";
import { CODE, responseIn, unavailable } from "./failure.js";
import type { Tenure } from "./tenure.js";
import type { Topic } from "./topics.js";

/** How long a broker holds a request that it has nothing for. */
const WAIT_MS = 200;
/** As long as some consumer is behind, so that its partition isn't kept waiting for the others' news. */
const SHORT_WAIT_MS = 5;
const PAUSE_MS = 100;
const PARTITION_BYTES = 1 << 20;
const REQUEST_BYTES = 8 << 20;
const READ_UNCOMMITTED = 0;
/** No session between client and broker: each request says all that it wants. */
const NO_SESSION = 0;
const NO_EPOCH = -1;
const IS_CONTROL = 1 << 5;

export interface FetcherOptions {
  readonly cluster: Cluster;
  readonly connections: Connections;
  tenures(): Iterable<Tenure>;
  topic(): Topic;
  /** Leaders have moved, or the topic began another life. */
  look(): Promise<void>;
  onError(error: ChatError): void;
}

/** Fetches records for the partitions that a consumer owns: one request at a time from each broker. */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #loops = new Map<number, Promise<void>>();
  #stopped = false;
  #turn = 0;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** Somebody wants records. */
  wake(): void {
    if (this.#stopped) return;
    for (const leader of new Set([...this.#wanting()].map(({ leader }) => leader))) {
      if (this.#loops.has(leader)) continue;
      this.#loops.set(
        leader,
        this.#loop(leader).finally(() => {
          this.#loops.delete(leader);
          this.wake();
        }),
      );
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops.values());
  }

  *#wanting(): Generator<{ leader: number; tenure: Tenure; from: bigint }> {
    const { leaders } = this.#options.topic();
    for (const tenure of this.#options.tenures()) {
      const from = tenure.wants;
      if (from !== null) yield { leader: leaders[tenure.partition] ?? -1, tenure, from };
    }
  }

  /** Fetches from one broker for as long as somebody wants something from it. */
  async #loop(leader: number): Promise<void> {
    // Who became hungry in this turn of the event loop goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.#stopped) {
      const wanting = [...this.#wanting()].filter((one) => one.leader === leader);
      if (wanting.length === 0) return;
      try {
        await this.#fetch(leader, wanting);
      } catch (error) {
        if (this.#stopped) return;
        this.#options.onError(unavailable("Records can't be fetched", error));
        await pause(PAUSE_MS);
        await this.#options.look().catch(() => {});
      }
    }
  }

  async #fetch(leader: number, wanting: readonly { tenure: Tenure; from: bigint }[]): Promise<void> {
    const { cluster, connections, topic } = this.#options;
    const asked = new Map(wanting.map(({ tenure, from }) => [tenure.partition, { tenure, from }]));
    // A broker fills its answer in the order asked: each time another partition comes first.
    const first = this.#turn++ % wanting.length;
    const partitions = [...wanting.slice(first), ...wanting.slice(0, first)].map(({ tenure, from }) => ({
      partition: tenure.partition,
      currentLeaderEpoch: -1,
      fetchOffset: from,
      lastFetchedEpoch: -1,
      partitionMaxBytes: PARTITION_BYTES,
    }));
    const current = topic();
    const isBehind = [...this.#options.tenures()].some((tenure) => tenure.isFull);
    const answer = await answerOf(
      connections.ask(
        cluster.address(leader),
        fetchV13.api,
        isBehind ? SHORT_WAIT_MS : WAIT_MS,
        1,
        REQUEST_BYTES,
        READ_UNCOMMITTED,
        NO_SESSION,
        NO_EPOCH,
        [{ topicId: current.id, partitions }],
        [],
        "",
      ),
    );
    let mustLook = false;
    for (const found of answer.responses[0]?.partitions ?? []) {
      const { tenure, from } = asked.get(found.partitionIndex) ?? {};
      if (tenure === undefined || from === undefined) continue;
      if (found.errorCode === 0) this.#hand(tenure, from, found, current);
      else if (found.errorCode === CODE.offsetOutOfRange) tenure.fail(outOfRange(tenure.partition, from));
      else mustLook = true;
    }
    if (mustLook) {
      await pause(PAUSE_MS);
      await this.#options.look();
    }
  }

  #hand(tenure: Tenure, from: bigint, { records = [] }: fetchV13.FetchResponsePartition, { offsets }: Topic): void {
    let next = from;
    const found: QueueRecord[] = [];
    for (const batch of records) {
      const isControl = (batch.attributes & IS_CONTROL) !== 0;
      for (const { offsetDelta, key, value } of batch.records) {
        const at = batch.firstOffset + BigInt(offsetDelta);
        // A batch comes whole, with what lies before the record that was asked for.
        if (at < from || isControl) continue;
        found.push({ key: key?.toString() ?? "", value: value ?? new Uint8Array(0), offset: offsets.of(at) });
      }
      const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
      if (after > next) next = after;
    }
    if (next > from) tenure.offer(from, next, found);
  }
}

/** What the broker answered, also where it found fault with some partitions. */
async function answerOf(asking: Promise<fetchV13.FetchResponse>): Promise<fetchV13.FetchResponse> {
  try {
    return await asking;
  } catch (error) {
    const answer = responseIn<fetchV13.FetchResponse>(error);
    if (answer === null || answer.responses.length === 0) throw error;
    return answer;
  }
}

function outOfRange(partition: number, from: bigint): ChatError {
  return new ChatError("store_unavailable", `Kafka doesn't have record ${from} of partition ${partition} any more.`);
}
