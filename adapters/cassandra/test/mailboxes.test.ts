import { randomUUID } from "node:crypto";
import type { MailboxRow, Storage, Write } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CassandraClient, cassandra } from "../src/index.js";
import { freshKeyspace, type Keyspace, opened } from "./keyspace.js";

const EVERYTHING = Number.MAX_SAFE_INTEGER;
const DAY_MS = 86_400_000;
const BASE = 1_760_000_000_000_000;

let keyspace: Keyspace;
let storage: Storage;
let clock = Date.now();

beforeAll(async () => {
  keyspace = await freshKeyspace();
  storage = await opened(keyspace, { now: () => clock });
});
afterAll(async () => {
  await storage.close();
  await keyspace.drop();
});

function row(position: number): MailboxRow {
  return { position: BASE + position, value: new TextEncoder().encode(`copy ${position}`) };
}

function put(user: string, positions: readonly number[], expires_at: number | null = null): Write {
  return { kind: "mailbox", user, rows: positions.map(row), expires_at };
}

async function positions(user: string, after = 0, upTo = EVERYTHING, limit = 10_000): Promise<number[]> {
  const rows = await storage.mailbox(user, after, upTo, limit);
  return rows.map((found) => found.position - BASE);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

describe("a mailbox", () => {
  test("that filled over many days is read page by page, in order and each row once", async () => {
    const user = randomUUID();
    for (let day = 0; day < 10; day++) {
      clock += DAY_MS;
      // Some of yesterday's are written again, as a replay does.
      await storage.write([put(user, range(Math.max(1, day * 10 - 4), day * 10 + 10))]);
    }
    expect(await positions(user)).toEqual(range(1, 100));
    const met: number[] = [];
    for (let page = await positions(user, BASE, EVERYTHING, 7); page.length > 0; ) {
      met.push(...page);
      page = await positions(user, BASE + (met.at(-1) as number), EVERYTHING, 7);
    }
    expect(met).toEqual(range(1, 100));
    expect(await positions(user, BASE + 15, BASE + 85, 1_000)).toEqual(range(16, 85));
    await storage.write([{ kind: "trim", user, position: BASE + 55 }]);
    expect(await positions(user)).toEqual(range(56, 100));
  });

  test("shows rows of old positions that are written days later among the others", async () => {
    const user = randomUUID();
    await storage.write([put(user, [10, 20, 900_000_000_000])]);
    clock += DAY_MS;
    await storage.write([put(user, [5, 15, 25])]);
    expect(await positions(user)).toEqual([5, 10, 15, 20, 25, 900_000_000_000]);
    expect(await positions(user, BASE, EVERYTHING, 2)).toEqual([5, 10]);
    expect(await positions(user, BASE + 10, EVERYTHING, 3)).toEqual([15, 20, 25]);
  });

  test("keeps no trimmed row on the servers, whichever day it was written on", async () => {
    const user = randomUUID();
    for (let day = 0; day < 4; day++) {
      clock += DAY_MS;
      await storage.write([put(user, [day * 2 + 1, day * 2 + 2])]);
    }
    await storage.write([{ kind: "trim", user, position: BASE + 7 }]);
    const kept = await keyspace.client.execute(
      `SELECT position FROM ${keyspace.name}.mailbox_rows WHERE user_id = '${user}' ALLOW FILTERING`,
    );
    expect(kept.rows.map(({ position }) => Number(position) - BASE)).toEqual([8]);
  });

  test("never shows a later write without an earlier one, while both land", async () => {
    const user = randomUUID();
    let written = 0;
    const reader = async () => {
      while (written < 60) {
        const found = await positions(user);
        expect(found).toEqual(range(1, found.length));
        expect(found.length % 50).toBe(0);
      }
    };
    const writer = async () => {
      for (; written < 60; written++) {
        if (written % 10 === 9) clock += DAY_MS;
        await storage.write([put(user, range(written * 50 + 1, written * 50 + 50))]);
      }
    };
    await Promise.all([writer(), reader(), reader()]);
    expect(await positions(user)).toHaveLength(3_000);
  });

  test("that is read from two days shows no row without one that landed before it, however they meet the read", async () => {
    const user = randomUUID();
    const put1 = (position: number) => storage.write([put(user, [position])]);
    const [today, tomorrow] = [clock, clock + DAY_MS];
    await put1(10);
    clock = tomorrow;
    await put1(1_000);
    // Between the looks at the two partitions a row lands in the first, and then one in the second.
    let between: (() => Promise<void>) | null = async () => {
      clock = today;
      await put1(20);
      clock = tomorrow;
      await put1(1_100);
    };
    const inner = keyspace.client;
    const client: CassandraClient = {
      metadata: inner.metadata,
      connect: () => inner.connect(),
      shutdown: () => inner.shutdown(),
      batch: (queries, options) => inner.batch(queries, options),
      execute: async (query, params, options) => {
        const result = await inner.execute(query, params, options);
        const run = query.includes("mailbox_rows") ? between : null;
        if (run !== null) between = null;
        await run?.();
        return result;
      },
    };
    const reader = cassandra({ client, keyspace: keyspace.name }).storage;
    await reader.open();
    const rows = await reader.mailbox(user, 0, EVERYTHING, 9);
    expect(between).toBeNull();
    expect(rows.map(({ position }) => position - BASE)).toEqual([10, 20, 1_000, 1_100]);
    await reader.close();
  });

  test("takes more in one write than the engine takes at once, the earlier rows before the later", async () => {
    const user = randomUUID();
    const value = new Uint8Array(64 * 1024).fill(3);
    const rows = range(1, 400).map((position) => ({ position, value }));
    const writing = storage.write([{ kind: "mailbox", user, rows, expires_at: null }]);
    let landed = false;
    void writing.then(() => {
      landed = true;
    });
    while (!landed) {
      const seen = await storage.mailbox(user, 0, EVERYTHING, 20);
      expect(seen.map(({ position }) => position)).toEqual(range(1, seen.length));
    }
    await writing;
    expect((await storage.mailbox(user, 380, EVERYTHING, 1_000)).length).toBe(20);
    expect((await storage.mailbox(user, 0, EVERYTHING, 1_000)).length).toBe(400);
  });

  test("refuses a row that no write can hold, naming the limit", async () => {
    const rows = [{ position: 1, value: new Uint8Array(9 * 1024 * 1024) }];
    const write = storage.write([{ kind: "mailbox", user: randomUUID(), rows, expires_at: null }]);
    await expect(write).rejects.toMatchObject({ code: "too_large", field: "value", limit: 8 * 1024 * 1024 });
  });

  test("lets rows go by themselves when they expire", async () => {
    const [user, id] = [randomUUID(), randomUUID()];
    clock = Date.now();
    const value = new Uint8Array(1);
    const history = (seq: number, expires_at: number | null): Write => {
      return { kind: "history", conversation: id, seq, value, offset: seq, expires_at };
    };
    await storage.write([
      put(user, [1], clock + 1_000),
      put(user, [2], clock + 3_600_000),
      put(user, [3], clock - 1_000),
      history(1, clock + 1_000),
      history(2, null),
    ]);
    await until("the rows to expire", async () => (await positions(user)).join() === "2", 10_000);
    const left = async () => (await storage.history(id, 0, EVERYTHING, 9, false)).map(({ seq }) => seq).join();
    await until("the entry to expire", async () => (await left()) === "2", 10_000);
    expect(await storage.sweep(clock, 1)).toBe(true);
  });
});
