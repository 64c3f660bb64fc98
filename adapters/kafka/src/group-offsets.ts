import { findCoordinatorV4, offsetFetchV8 } from "@platformatic/kafka";
import type { Cluster } from "./cluster.js";
import type { Address, Connections } from "./connections.js";

const GROUP = 0;
const NO_COMMIT = -1n;
const NO_EPOCH = -1;

/** The broker that keeps a group's members and offsets. */
export async function coordinatorOf(cluster: Cluster, group: string): Promise<Address> {
  const { coordinators } = await cluster.askAny(findCoordinatorV4.api, GROUP, [group]);
  const [found] = coordinators;
  if (found === undefined) throw new Error("Kafka names no coordinator.");
  return { host: found.host, port: found.port };
}

/** Kafka's offsets of the first records that a group still wants; null for a partition of which it never said. */
export async function committedOf(
  connections: Connections,
  coordinator: Address,
  wanted: { readonly group: string; readonly topic: string; readonly partitions: readonly number[] },
): Promise<(bigint | null)[]> {
  const topics = [{ name: wanted.topic, partitionIndexes: [...wanted.partitions] }];
  const asked = [{ groupId: wanted.group, memberEpoch: NO_EPOCH, topics }];
  const { groups } = await connections.ask(coordinator, offsetFetchV8.api, asked, false);
  const found = groups[0]?.topics[0]?.partitions ?? [];
  return wanted.partitions.map((partition) => {
    const committed = found.find(({ partitionIndex }) => partitionIndex === partition)?.committedOffset ?? NO_COMMIT;
    return committed === NO_COMMIT ? null : committed;
  });
}
