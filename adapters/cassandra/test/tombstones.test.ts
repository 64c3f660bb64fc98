import type { MailboxRow, Storage, Write } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freshKeyspace, type Keyspace, opened } from "./keyspace.js";
import { met, TracingClient } from "./traced.js";

const EVERYTHING = Number.MAX_SAFE_INTEGER;
const value = new Uint8Array(100).fill(7);

let keyspace: Keyspace;
let client: TracingClient;
let storage: Storage;

beforeAll(async () => {
  keyspace = await freshKeyspace();
  client = new TracingClient(keyspace.client);
  const { keyspace: name, replication } = keyspace.options;
  storage = await opened({ ...keyspace, options: { client, keyspace: name, replication } } as unknown as Keyspace);
});
afterEach(() => {
  client.reads = [];
});
afterAll(async () => {
  await storage.close();
  await keyspace.drop();
});

/** 100,000 rows that come and are trimmed 500 at a time, and then three that stay. */
async function live(user: string): Promise<void> {
  for (let from = 0; from < 100_000; from += 500) {
    const rows = Array.from({ length: 500 }, (_, index): MailboxRow => ({ position: from + index + 1, value }));
    const put: Write = { kind: "mailbox", user, rows, expires_at: null };
    await storage.write([put]);
    await storage.write([{ kind: "trim", user, position: from + 500 }]);
  }
  const rows = [100_001, 100_002, 100_003].map((position): MailboxRow => ({ position, value }));
  await storage.write([{ kind: "mailbox", user, rows, expires_at: null }]);
}

/** Reads a mailbox and answers what the servers met for it in the table of rows and in the index. */
async function readAll(user: string, after: number) {
  client.reads = [];
  const rows = await storage.mailbox(user, after, EVERYTHING, 100);
  const ofTable = (table: string) => client.reads.filter(({ query }) => query.includes(table));
  return { rows, inRows: ofTable("mailbox_rows"), inIndex: ofTable("mailbox_buckets") };
}

describe("a mailbox from which 100,000 rows were deleted", () => {
  test("is read without meeting one of them, from memory and from disk", async () => {
    await live("alice");
    for (const onDisk of [false, true]) {
      if (onDisk) await flush("alice");
      for (const after of [0, 50_000, 100_000]) {
        const { rows, inRows, inIndex } = await readAll("alice", after);
        expect(rows.map((row) => row.position)).toEqual([100_001, 100_002, 100_003]);
        expect(inRows).toHaveLength(1);
        for (const read of inRows) {
          // What a range deletion covers counts as no tombstone, so it has to be left out by where the read begins.
          expect(Number(read.params[2])).toBe(100_000);
          expect(await met(read)).toEqual({ rows: 3, tombstones: 0 });
        }
        // The partition of the day, and where the mailbox begins.
        for (const read of inIndex) expect(await met(read)).toEqual({ rows: 2, tombstones: 0 });
      }
    }
  });

  test("costs one look into the index when it is empty", async () => {
    await storage.write([{ kind: "trim", user: "bob", position: 5 }]);
    const { rows, inRows, inIndex } = await readAll("bob", 0);
    expect([rows, inRows, inIndex.length]).toEqual([[], [], 1]);
  });
});

/** Has the server write what it holds in memory to disk, and waits until a read comes from there. */
async function flush(user: string): Promise<void> {
  await keyspace.client.execute(`ALTER TABLE ${keyspace.name}.mailbox_rows WITH memtable_flush_period_in_ms = 200`);
  const fromDisk = async () => {
    const { inRows } = await readAll(user, 0);
    const events = (await Promise.all(inRows.map((read) => read.trace()))).flat();
    return events.some((event) => /^Merged data from memtables and [1-9]\d* sstables$/.test(event));
  };
  await until("the rows to be read from disk", fromDisk, 30_000);
}
