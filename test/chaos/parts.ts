import { createHash } from "node:crypto";
import { Admin } from "@platformatic/kafka";
import { Client } from "cassandra-driver";
import { Redis } from "ioredis";
import { cassandra } from "../../adapters/cassandra/src/index.js";
import { kafka } from "../../adapters/kafka/src/index.js";
import { lmdb } from "../../adapters/lmdb/src/index.js";
import { memory } from "../../adapters/memory/src/index.js";
import { redis } from "../../adapters/redis/src/index.js";
import type { Endpoints } from "../../scripts/services/services.js";
import type { ConnectionRegistry, Queue, Storage } from "../../src/ports/index.js";
import type { ServerSetup } from "./server-process.js";
import type { ShapeName } from "./shape.js";

interface Parts {
  readonly storage: Storage;
  readonly queue: Queue;
  readonly registry: ConnectionRegistry;
}

const PARTITIONS = 4;
const KAFKA = { partitions: PARTITIONS, replicas: 1, sessionTimeoutMs: 2_000, trimEveryMs: 1_000 };
/** Short, so that partitions change hands several times in a run; in milliseconds. */
const TIMES = { leaseMs: 2_000, vanishMs: 4_000, probeMs: 500 };

/** The parts that a server of this setup is put together from. */
export function partsOf({ shape = "lmdb", directory, endpoints }: ServerSetup): Parts {
  if (shape === "lmdb") return { ...memory(), ...lmdb({ directory }) };
  if (endpoints === undefined) throw new Error(`${shape} needs servers`);
  const name = nameOf(directory);
  const shared = {
    ...cassandra(cassandraOptions(name, endpoints, shape)),
    ...redis({ client: client(endpoints), prefix: name, partitions: PARTITIONS, ...TIMES }),
  };
  if (shape !== "kafka-cassandra") return shared;
  return { ...shared, ...kafka({ client: kafkaClient(endpoints), prefix: name, ...KAFKA }) };
}

/** A name on shared servers for what lies in a directory elsewhere. */
function nameOf(directory: string): string {
  return `chaos_${createHash("sha256").update(directory).digest("hex").slice(0, 16)}`;
}

function client({ redis: { host, port } }: Endpoints): Redis {
  return new Redis({ host, port, lazyConnect: true });
}

function kafkaClient({ kafka: { host, port } }: Endpoints) {
  return { bootstrapBrokers: [`${host}:${port}`] };
}

function cassandraOf(endpoints: Endpoints, shape: ShapeName) {
  return shape === "redis-cassandra-3" ? endpoints["cassandra-3"] : endpoints.cassandra;
}

function cassandraOptions(keyspace: string, endpoints: Endpoints, shape: ShapeName) {
  const { contactPoints, port, localDataCenter } = cassandraOf(endpoints, shape);
  const addresses = contactPoints.map((host) => `${host}:${port}`);
  const replication = { [localDataCenter]: addresses.length };
  return { contactPoints: addresses, dataCenter: localDataCenter, keyspace, replication };
}

/** Loses everything that Redis has. */
export async function wipe(endpoints: Endpoints): Promise<void> {
  const connection = client(endpoints);
  await connection.flushall();
  connection.disconnect();
}

/** Throws away what a run left on shared servers. */
export async function forget(shape: ShapeName, directory: string, endpoints: Endpoints): Promise<void> {
  if (shape === "lmdb") return;
  const { contactPoints, port, localDataCenter } = cassandraOf(endpoints, shape);
  const connection = new Client({ contactPoints, localDataCenter, protocolOptions: { port } });
  await connection.execute(`DROP KEYSPACE IF EXISTS ${nameOf(directory)}`);
  await connection.shutdown();
  if (shape === "kafka-cassandra") await forgetTopics(nameOf(directory), endpoints);
}

async function forgetTopics(prefix: string, endpoints: Endpoints): Promise<void> {
  const admin = new Admin({ clientId: "chaos", ...kafkaClient(endpoints) });
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
  if (topics.length > 0) await admin.deleteTopics({ topics });
  await admin.close();
}
