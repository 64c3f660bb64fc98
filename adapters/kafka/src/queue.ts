import { setTimeout as pause } from "node:timers/promises";
import {
  CONTRACT,
  type Consumer,
  type Consumption,
  isChatError,
  type Offset,
  type Queue,
  type QueueItem,
} from "sentseen/ports";
import { Cluster } from "./cluster.js";
import type { Connections } from "./connections.js";
import { KafkaConsumption } from "./consumption.js";
import { closed, unavailable } from "./failure.js";
import { committedOf, coordinatorOf } from "./group-offsets.js";
import { partitionsOf, type Settings } from "./options.js";
import { endOf, startOf } from "./partition-log.js";
import { type Topic, Topics } from "./topics.js";
import { groupsOf, Trimmer } from "./trimmer.js";
import { Writer } from "./writer.js";

const QUESTION_TIMEOUT_MS = 10_000;
/** Longer than brokers take over a record whose replicas don't answer. */
const PRODUCE_TIMEOUT_MS = 15_000;
const PAUSE_MS = 100;

/** What lives from `open` to `close`. */
interface Running {
  readonly cluster: Cluster;
  readonly topics: Topics;
  readonly questions: Connections;
  readonly produces: Connections;
  readonly trimmer: Trimmer;
  readonly writers: Map<string, Writer>;
  readonly consumptions: Set<KafkaConsumption>;
}

/** How far a group is behind in a partition. */
export interface PartitionLag {
  readonly partition: number;
  /** Records that are stored and not committed by the group. */
  readonly records: number;
}

/** The queue on Kafka. */
export class KafkaQueue implements Queue {
  readonly contract = CONTRACT;
  readonly scope = "cluster";
  readonly durable = true;
  readonly embedded = false;
  readonly #settings: Settings;
  #running: Running | null = null;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Looks at the topics that partitions were given for: what doesn't fit is refused at once. */
  async open(): Promise<void> {
    if (this.#running !== null) return;
    const cluster = new Cluster(this.#settings.client);
    const running: Running = {
      cluster,
      topics: new Topics(cluster, this.#settings),
      questions: cluster.connections(QUESTION_TIMEOUT_MS),
      produces: cluster.connections(PRODUCE_TIMEOUT_MS),
      trimmer: new Trimmer({
        client: this.#settings.client,
        everyMs: this.#settings.trimEveryMs,
        onError: this.#settings.onError,
      }),
      writers: new Map(),
      consumptions: new Set(),
    };
    this.#running = running;
    const { partitions } = this.#settings;
    try {
      const named = typeof partitions === "number" ? [] : Object.keys(partitions);
      await Promise.all(named.map((topic) => this.#find(running, topic)));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    await Promise.all([...running.writers.values()].map((writer) => writer.close()));
    await Promise.all([...running.consumptions].map((consumption) => consumption.stop()));
    await running.trimmer.close();
    running.cluster.close();
  }

  partitions(topic: string): number {
    return partitionsOf(this.#settings, topic);
  }

  async publish(topic: string, items: readonly QueueItem[]): Promise<void> {
    return this.#writer(topic).publish(items);
  }

  async consume(topic: string, group: string, consumer: Consumer): Promise<Consumption> {
    const running = this.#must();
    const found = await this.#find(running, topic);
    const { cluster, topics, questions, trimmer, consumptions } = running;
    if (this.#running !== running) throw closed();
    const consumption: KafkaConsumption = new KafkaConsumption({
      ...{ cluster, topics, questions, trimmer, settings: this.#settings },
      ...{ topic, group, consumer, found },
      onStop: () => consumptions.delete(consumption),
    });
    consumptions.add(consumption);
    try {
      await consumption.joined;
    } catch (error) {
      await consumption.stop();
      throw error;
    }
    return consumption;
  }

  head(topic: string, partition: number): Promise<Offset | null> {
    return this.#ask(topic, partition, async ({ cluster, questions }, found) => {
      const end = await endOf(cluster, questions, found, partition);
      return end === 0n ? null : found.offsets.of(end - 1n);
    });
  }

  recordsAfter(topic: string, partition: number, offset: Offset): Promise<number> {
    return this.#ask(topic, partition, async ({ cluster, questions }, found) => {
      const start = await startOf(cluster, questions, found, partition);
      const end = await endOf(cluster, questions, found, partition);
      const from = found.offsets.after(offset);
      return Math.max(0, Math.min(Number(end - from), Number(end - start)));
    });
  }

  /** Asks where a partition stands, again while its leader is another one than was thought. */
  async #ask<T>(
    topic: string,
    partition: number,
    question: (running: Running, found: Topic) => Promise<T>,
  ): Promise<T> {
    const running = this.#must();
    const deadline = performance.now() + QUESTION_TIMEOUT_MS;
    for (let found = await this.#find(running, topic); ; found = await this.#lookAgain(running, topic, found)) {
      try {
        return await question(running, found);
      } catch (error) {
        if (this.#running !== running) throw closed();
        if (performance.now() > deadline) {
          throw unavailable(`The head of partition ${partition} of ${found.name} isn't known`, error);
        }
      }
    }
  }

  /** See `Kafka.lag`. */
  async lag(topic: string, group: string): Promise<PartitionLag[]> {
    const { cluster, questions, topics } = this.#must();
    try {
      const found = await topics.look(topic);
      const partitions = found.leaders.map((_, partition) => partition);
      const name = groupsOf(found.name) + group;
      const wanted = { group: name, topic: found.name, partitions };
      const committed = await committedOf(questions, await coordinatorOf(cluster, name), wanted);
      return await Promise.all(
        partitions.map(async (partition) => {
          const from = committed[partition] ?? (await startOf(cluster, questions, found, partition));
          const end = await endOf(cluster, questions, found, partition);
          return { partition, records: Math.max(0, Number(end - from)) };
        }),
      );
    } catch (error) {
      throw isChatError(error) ? error : unavailable(`The lag of ${group} isn't known`, error);
    }
  }

  /** The topic after a moment, in which its partitions may have got other leaders. */
  async #lookAgain({ topics }: Running, topic: string, before: Topic): Promise<Topic> {
    await pause(PAUSE_MS);
    return topics.look(topic).catch(() => before);
  }

  #writer(topic: string): Writer {
    const { writers, cluster, topics, produces } = this.#must();
    const known = writers.get(topic);
    if (known !== undefined) return known;
    const writer = new Writer({ topic, cluster, topics, connections: produces, settings: this.#settings });
    writers.set(topic, writer);
    return writer;
  }

  async #find({ topics }: Running, topic: string): Promise<Topic> {
    try {
      return await topics.get(topic);
    } catch (error) {
      if (isChatError(error)) throw error;
      throw unavailable(`Kafka's topic ${topics.nameOf(topic)} can't be used`, error);
    }
  }

  #must(): Running {
    if (this.#running === null) throw closed();
    return this.#running;
  }
}
