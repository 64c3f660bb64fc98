export { type Kafka, kafka } from "./kafka.js";
export type { KafkaClientOptions, KafkaOptions } from "./options.js";
export type { PartitionLag } from "./queue.js";
