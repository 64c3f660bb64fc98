import "fake-indexeddb/auto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { fileStore, indexedDbStore, memoryStore } from "../../src/client/node.js";
import { entry, step, storeContract } from "./client-store-contract.js";

const directories: string[] = [];

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

async function directory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "sentseen-client-"));
  directories.push(made);
  return made;
}

let names = 0;

describe("the memory store", () => {
  storeContract(test, expect, async () => () => memoryStore(), { durable: false });

  test("keeps only the newest entries of each conversation", async () => {
    const store = memoryStore({ entries: 2 });
    await store.open();
    await store.write(step({ entries: [entry(1), entry(2), entry(3)] }));
    const { conversation } = entry(1);
    const found = await store.entries({ conversation, after: 0, before: 9, limit: 9, last: false });
    expect(found).toEqual([entry(2), entry(3)]);
  });
});

describe("the IndexedDB store", () => {
  storeContract(
    test,
    expect,
    async () => {
      const name = `contract-${++names}`;
      return () => indexedDbStore(name);
    },
    { durable: true },
  );

  test("a step that can't be written changes nothing", async () => {
    const store = indexedDbStore(`atomic-${++names}`);
    await store.open();
    const unclonable = new Map<string, unknown>([["x", () => {}]]);
    const write = store.write(step({ entries: [entry(1)], records: unclonable }));
    await expect(write).rejects.toMatchObject({ code: "store_unavailable" });
    const { conversation } = entry(1);
    expect(await store.entries({ conversation, after: 0, before: 9, limit: 9, last: false })).toEqual([]);
    await store.close();
  });

  test("a database of something else is refused", async () => {
    const name = `foreign-${++names}`;
    const made = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(name, 1);
      request.onsuccess = () => resolve(request.result);
    });
    made.close();
    await expect(indexedDbStore(name).open()).rejects.toMatchObject({ code: "corrupt" });
  });
});

describe("the file store", () => {
  storeContract(
    test,
    expect,
    async () => {
      const made = await directory();
      return () => fileStore(made);
    },
    { durable: true },
  );
});
