import { randomUUID } from "node:crypto";
import { type QueueFixture, queueContract } from "sentseen/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { type RedisClient, redis } from "../src/index.js";
import { libraries } from "./clients.js";
import { RedisCluster, RedisServer } from "./redis-server.js";

const PATIENCE = { patienceMs: 15_000 };

async function fixture(client: RedisClient, flush: () => Promise<unknown>): Promise<QueueFixture> {
  const prefix = `test-${randomUUID()}`;
  const make = async () => {
    const { queue } = redis({ client, prefix, partitions: 4, leaseMs: 400 });
    await queue.open();
    return queue;
  };
  let queue = await make();
  return {
    adapter: queue,
    restart: async () => {
      await queue.close();
      queue = await make();
      return queue;
    },
    wipe: async () => {
      await queue.close();
      await flush();
      queue = await make();
      return queue;
    },
    end: () => queue.close(),
  };
}

for (const [name, library] of Object.entries(libraries)) {
  describe(`the queue keeps its contract on one Redis, with ${name}`, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await RedisServer.start();
    });
    afterAll(() => server.end());

    queueContract(test, () => fixture(library.single(server.port), () => server.control.flushall()), PATIENCE);
  });

  describe(`the queue keeps its contract on Redis Cluster, with ${name}`, () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await RedisCluster.start();
    });
    afterAll(() => cluster.end());

    queueContract(
      test,
      async () => {
        const { client, end } = library.cluster(cluster.nodes);
        const made = await fixture(client, () => cluster.flush());
        return {
          ...made,
          end: async () => {
            await made.end();
            end();
          },
        };
      },
      PATIENCE,
    );
  });
}
