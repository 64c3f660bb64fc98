import { randomUUID } from "node:crypto";
import { type QueueFixture, queueContract } from "sentseen/testing";
import { describe, test } from "vitest";
import { kafka } from "../src/index.js";
import { Broker, client } from "./broker.js";

async function fixture(): Promise<QueueFixture> {
  const prefix = `test-${randomUUID()}`;
  const broker = new Broker(prefix);
  const make = async () => {
    const { queue } = kafka({ client, prefix, partitions: 4, replicas: 1, sessionTimeoutMs: 2_000 });
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
      await broker.wipe();
      queue = await make();
      return queue;
    },
    end: async () => {
      await queue.close();
      await broker.end();
    },
  };
}

describe("the queue on Kafka keeps its contract", () => {
  queueContract(test, fixture, { patienceMs: 20_000 });
});
