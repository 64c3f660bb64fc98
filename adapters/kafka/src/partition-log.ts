import { listOffsetsV7 } from "@platformatic/kafka";
import type { Cluster } from "./cluster.js";
import type { Connections } from "./connections.js";
import { unavailable } from "./failure.js";
import type { Topic } from "./topics.js";

const EARLIEST = -2n;
const LATEST = -1n;
const CONSUMER = -1;
const READ_UNCOMMITTED = 0;

/** Kafka's offset of the first record that a partition still holds. */
export function startOf(cluster: Cluster, connections: Connections, topic: Topic, partition: number): Promise<bigint> {
  return listed(cluster, connections, topic, partition, EARLIEST);
}

/** Kafka's offset of the next record that a partition will get. */
export function endOf(cluster: Cluster, connections: Connections, topic: Topic, partition: number): Promise<bigint> {
  return listed(cluster, connections, topic, partition, LATEST);
}

async function listed(
  cluster: Cluster,
  connections: Connections,
  topic: Topic,
  partition: number,
  timestamp: bigint,
): Promise<bigint> {
  const at = cluster.address(topic.leaders[partition] ?? -1);
  const asked = [{ name: topic.name, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }] }];
  const answer = await connections.ask(at, listOffsetsV7.api, CONSUMER, READ_UNCOMMITTED, asked);
  const offset = answer.topics[0]?.partitions[0]?.offset;
  if (offset === undefined) throw unavailable(`Partition ${partition} of ${topic.name}`, "Kafka names no offset");
  return offset;
}
