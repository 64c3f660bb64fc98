import type { Write } from "sentseen/ports";
import { until } from "sentseen/testing";
import { describe, expect, test } from "vitest";
import { type Lmdb, lmdb } from "../src/index.js";
import { temporaryDirectory } from "./temporary-directory.js";

const VALUE = new Uint8Array(300).fill(7);

async function opened(directory: string, maxSize?: number): Promise<Lmdb> {
  const store = lmdb(maxSize === undefined ? { directory } : { directory, maxSize });
  await store.storage.open();
  await store.queue.open();
  return store;
}

async function close({ storage, queue }: Lmdb): Promise<void> {
  await queue.close();
  await storage.close();
}

/** Delivers messages as a server does: the command, some rows for those who are away, and all gone once they came. */
async function deliver({ storage, queue }: Lmdb, messages: number): Promise<void> {
  for (let sent = 0; sent < messages; sent += 5_000) {
    await Promise.all(
      Array.from({ length: 50 }, () =>
        queue.publish(
          "commands",
          Array.from({ length: 100 }, (_, index) => ({ key: `conversation ${index}`, value: VALUE })),
        ),
      ),
    );
    const head = (await queue.head("commands", 0)) as number;
    const users = Array.from({ length: 50 }, (_, index) => `user ${index}`);
    const rows = users.map((user): Write => {
      return { kind: "mailbox", user, rows: [{ position: head, value: VALUE }], expires_at: Date.now() };
    });
    await storage.write([
      ...rows,
      { kind: "checkpoint", topic: "commands", partition: 0, offset: head, value: new Uint8Array(0) },
    ]);
    await storage.write(users.map((user): Write => ({ kind: "trim", user, position: head })));
  }
}

describe("the data file", () => {
  test("does not grow with the messages that were delivered and are kept no more", async () => {
    const store = await opened(await temporaryDirectory());
    await deliver(store, 100_000);
    const early = store.size();
    await deliver(store, 300_000);
    const late = store.size();
    // They were 130 megabytes. Room for what comes between two checkpoints, a few times over, is enough for any number.
    expect(late.file).toBeLessThan(24 * 1024 * 1024);
    expect(late.file - early.file).toBeLessThan(12 * 1024 * 1024);
    await until("what is not wanted to be gone", () => store.size().used < 1024 * 1024);
    await close(store);
  }, 60_000);

  test("gets as small as what it holds by compaction, and holds the same as before", async () => {
    const directory = await temporaryDirectory();
    const store = await opened(directory);
    await deliver(store, 20_000);
    const kept: Write = { kind: "mailbox", user: "bob", rows: [{ position: 9e15, value: VALUE }], expires_at: null };
    await store.storage.write([kept]);
    await store.queue.publish("commands", [{ key: "last", value: VALUE }]);
    await until("what is not wanted to be gone", () => store.size().used < 1024 * 1024);
    const before = store.size();
    await store.compact();
    const after = store.size();
    expect(after.file).toBeLessThan(before.file / 4);
    for (let life = 0; life < 2; life++) {
      const { storage, queue } = life === 0 ? store : await opened(directory);
      expect(await storage.mailbox("bob", 0, 9e15, 9)).toHaveLength(1);
      const keys: string[] = [];
      const consumption = await queue.consume("commands", `group ${life}`, {
        assigned: async () => null,
        batch: (_, records) => {
          keys.push(...records.map((record) => record.key));
        },
        revoked: async () => {},
      });
      await until("the last record", () => keys.includes("last"));
      await consumption.stop();
      await queue.close();
      await storage.close();
    }
  }, 60_000);

  test("can be compacted while it is read and written, and nothing is lost", async () => {
    const store = await opened(await temporaryDirectory());
    await deliver(store, 10_000);
    let compacted = false;
    const compacting = store.compact().finally(() => {
      compacted = true;
    });
    let written = 0;
    while (!compacted || written < 20) {
      written++;
      const rows = [{ position: written, value: VALUE }];
      await Promise.all([
        store.storage.write([{ kind: "mailbox", user: "alice", rows, expires_at: null }]),
        store.queue.publish("commands", [{ key: "key", value: VALUE }]),
        store.storage.mailbox("alice", 0, written, 9),
      ]);
    }
    await compacting;
    expect(await store.storage.mailbox("alice", 0, 1e9, 100_000)).toHaveLength(written);
    await close(store);
  }, 60_000);

  test("takes no more to publish beyond maxSize, and again when room was made", async () => {
    const store = await opened(await temporaryDirectory(), 12 * 1024 * 1024);
    const publish = () => store.queue.publish("commands", [{ key: "key", value: new Uint8Array(500_000) }]);
    const fill = async () => {
      for (;;) await publish();
    };
    await expect(fill()).rejects.toMatchObject({ code: "store_unavailable", limit: 12 * 1024 * 1024 });
    expect(store.size().used).toBeLessThan(20 * 1024 * 1024);
    const offset = (await store.queue.head("commands", 0)) as number;
    await store.storage.write([
      { kind: "checkpoint", topic: "commands", partition: 0, offset, value: new Uint8Array(0) },
    ]);
    await until("what is not wanted to be gone", () => store.size().used < 1024 * 1024);
    await publish();
    await close(store);
  });
});
