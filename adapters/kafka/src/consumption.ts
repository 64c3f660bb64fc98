import { setTimeout as pause } from "node:timers/promises";
import type { Consumer, Consumption, Offset } from "sentseen/ports";
import type { Cluster } from "./cluster.js";
import type { Connections } from "./connections.js";
import { CODE, codeOf, unavailable } from "./failure.js";
import { Fetcher } from "./fetcher.js";
import { Membership } from "./membership.js";
import type { Settings } from "./options.js";
import { startOf } from "./partition-log.js";
import { Tenure } from "./tenure.js";
import type { Topic, Topics } from "./topics.js";
import { groupsOf, type Trimmer } from "./trimmer.js";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
const FETCH_TIMEOUT_MS = 10_000;
/** How long who stops waits for the consumer to return from its callbacks. */
const HANDOVER_MS = 30_000;

/** A commit that comes from a member that isn't one any more, or not yet again. Another will follow. */
const NOT_NOW: readonly (number | null)[] = [CODE.unknownMemberId, CODE.illegalGeneration, CODE.rebalanceInProgress];

export interface ConsumptionOptions {
  readonly cluster: Cluster;
  readonly topics: Topics;
  readonly questions: Connections;
  readonly trimmer: Trimmer;
  readonly settings: Settings;
  readonly topic: string;
  readonly group: string;
  readonly consumer: Consumer;
  /** The topic as it was when the consumption began. */
  readonly found: Topic;
  /** It has stopped. */
  onStop(): void;
}

/** A partition that this member owns: one tenure after another, as long as the consumer rejects. */
interface Holding {
  tenure: Tenure | null;
  pause: number;
  committed: bigint | null;
  lost: boolean;
}

/** One consumer in a group: what it owns, and what it gets. */
export class KafkaConsumption implements Consumption {
  readonly #options: ConsumptionOptions;
  readonly #membership: Membership;
  readonly #fetcher: Fetcher;
  readonly #fetches: Connections;
  readonly #holdings = new Map<number, Holding>();
  readonly #ending = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #topic: Topic;
  #stopping: Promise<void> | null = null;

  constructor(options: ConsumptionOptions) {
    this.#options = options;
    this.#topic = options.found;
    const { cluster, settings, topics } = options;
    this.#fetches = cluster.connections(FETCH_TIMEOUT_MS);
    this.#membership = new Membership({
      cluster,
      settings,
      group: groupsOf(this.#topic.name) + options.group,
      topic: this.#topic.name,
      partitions: topics.partitions(options.topic),
      granted: (partition) => this.#granted(partition),
      lost: (partition) => this.#lost(partition),
    });
    this.#fetcher = new Fetcher({
      cluster,
      connections: this.#fetches,
      tenures: () => this.#tenures(),
      topic: () => this.#topic,
      look: () => this.#look(),
      onError: settings.onError,
    });
    this.#membership.start();
  }

  get joined(): Promise<void> {
    return this.#membership.joined;
  }

  async commit(partition: number, offset: Offset): Promise<void> {
    const holding = this.#holdings.get(partition);
    const wanted = this.#topic.offsets.after(offset);
    if (holding === undefined || wanted <= (holding.committed ?? -1n)) return;
    try {
      await this.#membership.commit(partition, wanted);
      holding.committed = wanted;
      this.#options.trimmer.touch(this.#topic.name, partition);
    } catch (error) {
      if (NOT_NOW.includes(codeOf(error))) return;
      throw unavailable("Kafka didn't take a commit", error);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    const left = this.#membership.leave();
    const fetched = this.#fetcher.stop();
    this.#fetches.close();
    await Promise.all([left, fetched]);
    await withinHandover(Promise.all(this.#ending));
    this.#options.onStop();
  }

  #granted(partition: number): void {
    const holding: Holding = { tenure: null, pause: FIRST_PAUSE_MS, committed: null, lost: false };
    this.#holdings.set(partition, holding);
    void this.#begin(partition, holding);
  }

  #lost(partition: number): void {
    const holding = this.#holdings.get(partition);
    this.#holdings.delete(partition);
    if (holding === undefined) return;
    holding.lost = true;
    if (holding.tenure !== null) this.#finish(holding.tenure);
  }

  /** Begins a tenure as soon as the partition can be looked at, unless it is lost before. */
  async #begin(partition: number, holding: Holding): Promise<void> {
    // One who owned it before in this process, and has a batch open, is waited for.
    while (!holding.lost) {
      try {
        const start = await this.#prepare(partition, holding);
        if (!holding.lost) this.#assign(partition, holding, start);
        return;
      } catch (error) {
        if (holding.lost) return;
        this.#options.settings.onError(unavailable(`Partition ${partition} of ${this.#topic.name}`, error));
        await this.#breathe(holding);
        await this.#look().catch(() => {});
      }
    }
  }

  /** Answers where the partition begins. The group holds on to its records from now on. */
  async #prepare(partition: number, holding: Holding): Promise<bigint> {
    const { cluster, questions } = this.#options;
    const start = await startOf(cluster, questions, this.#topic, partition);
    holding.committed = await this.#membership.committed(partition);
    if (holding.committed === null) {
      await this.#membership.commit(partition, start);
      holding.committed = start;
    }
    return start;
  }

  #assign(partition: number, holding: Holding, start: bigint): void {
    const tenure: Tenure = new Tenure({
      partition,
      consumer: this.#options.consumer,
      offsets: this.#topic.offsets,
      start,
      valid: () => this.#membership.valid(),
      hungry: () => this.#fetcher.wake(),
      onProgress: () => {
        holding.pause = FIRST_PAUSE_MS;
      },
      onFailure: (error) => {
        this.#options.settings.onError(
          unavailable(`Partition ${partition} of ${this.#topic.name} begins again`, error),
        );
        void this.#again(partition, holding, tenure);
      },
    });
    holding.tenure = tenure;
  }

  async #again(partition: number, holding: Holding, failed: Tenure): Promise<void> {
    if (holding.tenure !== failed) return;
    holding.tenure = null;
    await this.#finish(failed);
    await this.#breathe(holding);
    await this.#begin(partition, holding);
  }

  #finish(tenure: Tenure): Promise<void> {
    const ending = withinHandover(tenure.over());
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
    return ending;
  }

  async #breathe(holding: Holding): Promise<void> {
    await pause(holding.pause, undefined, { signal: this.#stop.signal }).catch(() => {});
    holding.pause = Math.min(holding.pause * 2, LONGEST_PAUSE_MS);
  }

  /** Looks the topic up anew. In another life of it the partitions begin again. */
  async #look(): Promise<void> {
    const topic = await this.#options.topics.look(this.#options.topic);
    if (this.#stop.signal.aborted) return;
    const isAnother = topic.id !== this.#topic.id;
    this.#topic = topic;
    if (isAnother) for (const tenure of this.#tenures()) tenure.fail(new Error("The topic was made anew."));
    this.#fetcher.wake();
  }

  *#tenures(): Generator<Tenure> {
    for (const { tenure } of this.#holdings.values()) if (tenure !== null) yield tenure;
  }
}

/** Resolves with the promise, or when whoever is at it has had long enough. */
async function withinHandover(promise: Promise<unknown>): Promise<void> {
  const patience = new AbortController();
  const late = pause(HANDOVER_MS, undefined, { signal: patience.signal, ref: false }).catch(() => {});
  await Promise.race([promise, late]);
  patience.abort();
}
