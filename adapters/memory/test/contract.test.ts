import { describe, test } from "vitest";
import { fakeClock, queueContract, registryContract, storageContract } from "../../../src/testing/index.js";
import { type MemoryOptions, memory } from "../src/index.js";

describe("the memory storage keeps its contract", () => {
  storageContract(test, async () => {
    const { storage } = memory();
    await storage.open();
    return {
      adapter: storage,
      restart: async () => {
        await storage.close();
        await storage.open();
        return storage;
      },
      end: () => storage.close(),
    };
  });
});

async function queueFixture(options: MemoryOptions) {
  let { queue } = memory(options);
  await queue.open();
  return {
    adapter: queue,
    restart: async () => {
      await queue.close();
      await queue.open();
      return queue;
    },
    wipe: async () => {
      await queue.close();
      queue = memory(options).queue;
      await queue.open();
      return queue;
    },
    end: () => queue.close(),
  };
}

describe("the memory queue keeps its contract", () => {
  queueContract(test, () => queueFixture({}), { lacks: { sharing: "one partition" } });
});

describe("the memory queue keeps its contract with several partitions and small batches", () => {
  queueContract(test, () => queueFixture({ partitions: 5, batch: 7 }));
});

describe("the memory registry keeps its contract", () => {
  registryContract(test, async () => {
    const clock = fakeClock();
    const { registry } = memory({ now: clock.now });
    await registry.open();
    return {
      adapter: registry,
      vanish: async (server_id) => {
        registry.silence(server_id);
        clock.advance(30_001);
      },
      end: () => registry.close(),
    };
  });
});
