import { randomUUID } from "node:crypto";
import { type RegistryFixture, registryContract, until } from "sentseen/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { type RedisOptions, redis } from "../src/index.js";
import { libraries } from "./clients.js";
import { RedisCluster, RedisServer } from "./redis-server.js";
import { Tunnel } from "./tunnel.js";

const VANISH_MS = 1_000;

/** Two processes on the same registry, the first of which has its way to Redis through tunnels. */
async function fixture(
  tunnels: readonly Tunnel[],
  through: Pick<RedisOptions, "client" | "addressFor">,
  straight: Pick<RedisOptions, "client">,
): Promise<RegistryFixture> {
  const options = { prefix: `test-${randomUUID()}`, vanishMs: VANISH_MS };
  const adapter = redis({ ...options, ...through }).registry;
  const other = redis({ ...options, ...straight }).registry;
  await Promise.all([adapter.open(), other.open()]);
  return {
    adapter,
    other,
    // The first process loses its way: none of its nodes beats any more.
    vanish: async () => {
      for (const tunnel of tunnels) tunnel.sever();
      const cut = performance.now();
      await until("the beat to be too old", () => performance.now() - cut > VANISH_MS);
    },
    end: async () => {
      for (const tunnel of tunnels) tunnel.mend();
      await Promise.all([adapter.close(), other.close()]);
      await Promise.all(tunnels.map((tunnel) => tunnel.end()));
    },
  };
}

for (const [name, library] of Object.entries(libraries)) {
  describe(`the registry keeps its contract on one Redis, with ${name}`, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await RedisServer.start();
    });
    afterAll(() => server.end());

    registryContract(test, async () => {
      const tunnel = await Tunnel.to(server.port);
      return fixture([tunnel], { client: library.single(tunnel.port) }, { client: library.single(server.port) });
    });
  });

  describe(`the registry keeps its contract on Redis Cluster, with ${name}`, () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await RedisCluster.start();
    });
    afterAll(() => cluster.end());

    registryContract(test, async () => {
      const tunnels = await Promise.all(cluster.servers.map(({ port }) => Tunnel.to(port)));
      const { client, end } = library.cluster(cluster.nodes);
      const ports = new Map(cluster.servers.map(({ port }, index) => [port, (tunnels[index] as Tunnel).port]));
      const addressFor: RedisOptions["addressFor"] = ({ host, port }) => ({ host, port: ports.get(port) ?? port });
      const made = await fixture(tunnels, { client, addressFor }, { client });
      return {
        ...made,
        end: async () => {
          await made.end();
          end();
        },
      };
    });
  });
}
