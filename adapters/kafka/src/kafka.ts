import type { Queue } from "sentseen/ports";
import { type KafkaOptions, settingsOf } from "./options.js";
import { KafkaQueue, type PartitionLag } from "./queue.js";

export interface Kafka {
  readonly queue: Queue;
  /**
   * How far a group is behind, for each partition of a topic. Any process may ask. Rejects with `store_unavailable`
   * and, before `queue.open()`, with `closed`.
   */
  lag(topic: string, group: string): Promise<readonly PartitionLag[]>;
}

/**
 * The queue on Apache Kafka: durable, and as wide as its partitions. Throws `config`, naming the option, for what it
 * can't take; what brokers refuse, such as another number of partitions than a topic has, rejects `open()` or the first
 * use of the topic.
 */
export function kafka(options: KafkaOptions): Kafka {
  return new Parts(new KafkaQueue(settingsOf(options)));
}

/** The port is its own property and the rest is not, so that it can be spread into the options of a server. */
class Parts implements Kafka {
  readonly queue: Queue;
  readonly #queue: KafkaQueue;

  constructor(queue: KafkaQueue) {
    this.queue = queue;
    this.#queue = queue;
  }

  lag(topic: string, group: string): Promise<readonly PartitionLag[]> {
    return this.#queue.lag(topic, group);
  }
}
