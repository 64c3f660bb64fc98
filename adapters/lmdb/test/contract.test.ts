import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queueContract, storageContract } from "sentseen/testing";
import { describe, test } from "vitest";
import { lmdb } from "../src/index.js";

/** A directory for one test, and what to do with it at the end. */
async function directory() {
  const path = await mkdtemp(join(tmpdir(), "sentseen-lmdb-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

describe("the LMDB storage keeps its contract", () => {
  storageContract(test, async () => {
    const { path, remove } = await directory();
    let { storage } = lmdb({ directory: path });
    await storage.open();
    return {
      adapter: storage,
      restart: async () => {
        await storage.close();
        storage = lmdb({ directory: path }).storage;
        await storage.open();
        return storage;
      },
      end: async () => {
        await storage.close();
        await remove();
      },
    };
  });
});

describe("the LMDB queue keeps its contract", () => {
  queueContract(
    test,
    async () => {
      const { path, remove } = await directory();
      let { queue } = lmdb({ directory: path });
      await queue.open();
      const open = async () => {
        queue = lmdb({ directory: path }).queue;
        await queue.open();
        return queue;
      };
      return {
        adapter: queue,
        restart: async () => {
          await queue.close();
          return open();
        },
        wipe: async () => {
          await queue.close();
          await remove();
          return open();
        },
        end: async () => {
          await queue.close();
          await remove();
        },
      };
    },
    { lacks: { sharing: "one partition" } },
  );
});
