import type { Queue } from "sentseen/ports";
import { type KafkaOptions, settingsOf } from "./options.js";
import { KafkaQueue } from "./queue.js";

export interface Kafka {
  readonly queue: Queue;
}

/**
 * The queue on Apache Kafka: durable, and as wide as its partitions. Throws `config`, naming the option, for what it
 * can't take; what brokers refuse, such as another number of partitions than a topic has, rejects `open()` or the first
 * use of the topic.
 */
export function kafka(options: KafkaOptions): Kafka {
  return { queue: new KafkaQueue(settingsOf(options)) };
}
