import { randomUUID } from "node:crypto";
import { Client, policies } from "cassandra-driver";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { endpoints, ensureServices } from "../../../scripts/services/services.js";
import { type CassandraOptions, cassandra } from "../src/index.js";
import { freshKeyspace, type Keyspace, opened } from "./keyspace.js";

const { port, localDataCenter, contactPoints } = endpoints["cassandra-3"];

/** A client that talks to one node only, as a process near to it might. */
function clientOf(host: string): Client {
  const inner = new policies.loadBalancing.DCAwareRoundRobinPolicy(localDataCenter);
  return new Client({
    contactPoints: [host],
    protocolOptions: { port },
    policies: { loadBalancing: new policies.loadBalancing.WhiteListPolicy(inner, [`${host}:${port}`]) },
  });
}

async function refusal(work: Promise<unknown>): Promise<{ code: string; field?: string }> {
  return work.then(
    () => Promise.reject(new Error("It was accepted.")),
    (error) => error,
  );
}

describe("nodes that start at the same time on an empty cluster of three", () => {
  let clients: Client[];

  beforeAll(async () => {
    await ensureServices(["cassandra-3"]);
    clients = contactPoints.map(clientOf);
  });
  afterAll(() => Promise.all(clients.map((client) => client.shutdown())));

  test("make one schema between them, whichever node each talks to, and find each other's rows", async () => {
    for (let round = 0; round < 2; round++) {
      const keyspace = await freshKeyspace("cassandra-3", 3);
      const { replication } = keyspace.options;
      const storages = [...clients, ...clients].map(
        (client) => cassandra({ client, keyspace: keyspace.name, replication } as CassandraOptions).storage,
      );
      await Promise.all(storages.map((storage) => storage.open()));
      const versions = await Promise.all(
        clients.map(async (client) =>
          String((await client.execute("SELECT schema_version FROM system.local")).rows[0]?.schema_version),
        ),
      );
      expect(new Set(versions).size).toBe(1);
      const users = storages.map(() => randomUUID());
      const value = new Uint8Array(1);
      await Promise.all(
        storages.map((storage, index) =>
          storage.write([
            { kind: "mailbox", user: users[index] as string, rows: [{ position: 1, value }], expires_at: null },
          ]),
        ),
      );
      for (const storage of storages) {
        for (const user of users) expect(await storage.mailbox(user, 0, 9, 9)).toHaveLength(1);
      }
      await Promise.all(storages.map((storage) => storage.close()));
      await keyspace.drop();
    }
  }, 180_000);
});

describe("a keyspace", () => {
  let keyspace: Keyspace;

  beforeEach(async () => {
    keyspace = await freshKeyspace();
  });
  afterEach(() => keyspace.drop());

  test("that is complete is opened without a change to the schema", async () => {
    await (await opened(keyspace)).close();
    const queries: string[] = [];
    const client = {
      metadata: keyspace.client.metadata,
      connect: () => keyspace.client.connect(),
      shutdown: () => keyspace.client.shutdown(),
      batch: keyspace.client.batch.bind(keyspace.client) as never,
      execute: (query: string, params: unknown[], options: object) => {
        queries.push(query);
        return keyspace.client.execute(query, params, options);
      },
    };
    const { storage } = cassandra({ client, keyspace: keyspace.name });
    await storage.open();
    await storage.close();
    expect(queries.length).toBeGreaterThan(0);
    for (const query of queries) expect(query).toMatch(/^SELECT /);
    // Whoever brought the client goes on with it.
    expect((await keyspace.client.execute("SELECT release_version FROM system.local")).rows).toHaveLength(1);
  });

  test("of which half was made when a process died is completed", async () => {
    await (await opened(keyspace)).close();
    const { name, client } = keyspace;
    await client.execute(`TRUNCATE ${name}.schema_versions`);
    await client.execute(`DROP TABLE ${name}.devices`);
    const storage = await opened(keyspace);
    expect(await storage.devices("alice")).toEqual([]);
    await storage.close();
  });

  test("that a newer program has changed is refused with incompatible", async () => {
    await (await opened(keyspace)).close();
    const { name, client } = keyspace;
    await client.execute(`INSERT INTO ${name}.schema_versions (component, version) VALUES ('storage', 99)`);
    expect(await refusal(opened(keyspace))).toMatchObject({ code: "incompatible", field: "keyspace", limit: 1 });
  });

  test("that isn't there, and of which nobody says how often rows are kept, is refused with config", async () => {
    const { storage } = cassandra({ client: keyspace.client, keyspace: keyspace.name });
    expect(await refusal(storage.open())).toMatchObject({ code: "config", field: "replication" });
  });

  test("keeps rows as often as asked for, in the data centres named", async () => {
    await (await opened(keyspace)).close();
    const { rows } = await keyspace.client.execute(
      `SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = '${keyspace.name}'`,
    );
    expect(rows[0]?.replication).toMatchObject({ [localDataCenter]: "1" });
  });
});
