import { createHash } from "node:crypto";
import { Client } from "cassandra-driver";
import { Redis } from "ioredis";
import { cassandra } from "../../adapters/cassandra/src/index.js";
import { lmdb } from "../../adapters/lmdb/src/index.js";
import { memory } from "../../adapters/memory/src/index.js";
import { redis } from "../../adapters/redis/src/index.js";
import { endpoints } from "../../scripts/services/services.js";
import type { ConnectionRegistry, Queue, Storage } from "../../src/ports/index.js";
import type { ServerSetup } from "./server-process.js";
import type { ShapeName } from "./shape.js";

interface Parts {
  readonly storage: Storage;
  readonly queue: Queue;
  readonly registry: ConnectionRegistry;
}

const PARTITIONS = 4;
/** Short, so that partitions change hands several times in a run; in milliseconds. */
const TIMES = { leaseMs: 2_000, vanishMs: 4_000, probeMs: 500 };

/** The parts that a server of this setup is put together from. */
export function partsOf({ shape = "lmdb", directory }: ServerSetup): Parts {
  switch (shape) {
    case "lmdb":
      return { ...memory(), ...lmdb({ directory }) };
    case "redis-cassandra":
      return {
        ...cassandra(cassandraOptions(directory)),
        ...redis({ client: client(), prefix: nameOf(directory), partitions: PARTITIONS, ...TIMES }),
      };
    case "kafka-cassandra":
      throw new Error("not yet");
  }
}

/** A name on shared servers for what lies in a directory elsewhere. */
function nameOf(directory: string): string {
  return `chaos_${createHash("sha256").update(directory).digest("hex").slice(0, 16)}`;
}

function client(): Redis {
  const { host, port } = endpoints.redis;
  return new Redis({ host, port, lazyConnect: true });
}

function cassandraOptions(directory: string) {
  const { contactPoints, port, localDataCenter: dataCenter } = endpoints.cassandra;
  const addresses = contactPoints.map((host) => `${host}:${port}`);
  return { contactPoints: addresses, dataCenter, keyspace: nameOf(directory), replication: { [dataCenter]: 1 } };
}

/** Loses everything that Redis has. */
export async function wipe(): Promise<void> {
  const connection = client();
  await connection.flushall();
  connection.disconnect();
}

/** Throws away what a run left on shared servers. */
export async function forget(shape: ShapeName, directory: string): Promise<void> {
  if (shape === "lmdb") return;
  const { contactPoints, port, localDataCenter } = endpoints.cassandra;
  const connection = new Client({ contactPoints, localDataCenter, protocolOptions: { port } });
  await connection.execute(`DROP KEYSPACE IF EXISTS ${nameOf(directory)}`);
  await connection.shutdown();
}
