import { type StorageCapability, storageContract } from "sentseen/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { CassandraSettings } from "../src/index.js";
import { freshKeyspace, type Keyspace, opened } from "./keyspace.js";

const LACKS: Record<Exclude<StorageCapability, "durability">, string> = {
  atomicity: "a call changes many partitions, and no engine of this kind writes them together",
  sweeping: "rows expire by themselves",
};

describe.each<[string, CassandraSettings]>([
  ["the Cassandra storage", {}],
  ["the Cassandra storage with pages smaller than any answer", { pageSize: 7 }],
])("%s keeps its contract", (_, settings) => {
  let keyspace: Keyspace;

  beforeAll(async () => {
    keyspace = await freshKeyspace();
  });
  afterAll(() => keyspace.drop());

  storageContract(
    test,
    async () => {
      let adapter = await opened(keyspace, settings);
      return {
        adapter,
        restart: async () => {
          await adapter.close();
          adapter = await opened(keyspace, settings);
          return adapter;
        },
        end: () => adapter.close(),
      };
    },
    { lacks: LACKS },
  );
});
