import { randomBytes } from "node:crypto";
import { Client } from "cassandra-driver";
import { endpoints } from "../../../scripts/services/services.js";
import { type CassandraOptions, cassandra } from "../src/index.js";

type Cluster = "cassandra" | "cassandra-3";

/** A keyspace of a test's own on a real cluster. */
export interface Keyspace {
  readonly name: string;
  /** For the test's own statements and for what it makes the server say. */
  readonly client: Client;
  readonly options: CassandraOptions & { readonly contactPoints: readonly string[] };
  /** Removes the keyspace and lets go of the cluster. */
  drop(): Promise<void>;
}

/** A name of a keyspace that isn't there yet. `drop` removes it, whoever made it. */
export async function freshKeyspace(cluster: Cluster = "cassandra", replicas = 1): Promise<Keyspace> {
  const { contactPoints, port, localDataCenter } = endpoints[cluster];
  const client = new Client({ contactPoints: [...contactPoints], protocolOptions: { port }, localDataCenter });
  await client.connect();
  const name = `test_${randomBytes(8).toString("hex")}`;
  return {
    name,
    client,
    options: {
      contactPoints: contactPoints.map((host) => `${host}:${port}`),
      dataCenter: localDataCenter,
      keyspace: name,
      replication: { [localDataCenter]: replicas },
    },
    drop: async () => {
      await client.execute(`DROP KEYSPACE IF EXISTS ${name}`);
      await client.shutdown();
    },
  };
}

/** A storage in a keyspace, opened. */
export async function opened(keyspace: Keyspace, options: Partial<CassandraOptions> = {}) {
  const { storage } = cassandra({ ...keyspace.options, ...options } as CassandraOptions);
  await storage.open();
  return storage;
}
