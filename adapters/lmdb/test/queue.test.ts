import { setTimeout as pause } from "node:timers/promises";
import type { QueueRecord } from "sentseen/ports";
import { until } from "sentseen/testing";
import { describe, expect, test } from "vitest";
import { lmdb } from "../src/index.js";
import { temporaryDirectory } from "./temporary-directory.js";

interface Collecting {
  readonly records: QueueRecord[];
  readonly batches: number[];
}

function collect(onBatch: (records: readonly QueueRecord[]) => void | Promise<void> = () => {}) {
  const got: Collecting = { records: [], batches: [] };
  const consumer = {
    assigned: async () => null,
    batch: (_: number, records: readonly QueueRecord[]) => {
      got.records.push(...records);
      got.batches.push(records.length);
      return onBatch(records);
    },
    revoked: async () => {},
  };
  return { got, consumer };
}

async function openQueue(options: { now?: () => number; directory?: string; maxWaitingBytes?: number } = {}) {
  const store = lmdb({ directory: await temporaryDirectory(), ...options });
  await store.queue.open();
  return store;
}

describe("the LMDB queue", () => {
  test("puts all that is published in one turn into one commit, and hands it over as one batch", async () => {
    const { queue } = await openQueue();
    const { got, consumer } = collect();
    await queue.consume("commands", "messages", consumer);
    await queue.publish("commands", [{ key: "first", value: new Uint8Array(1) }]);
    await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        queue.publish("commands", [{ key: `key ${index}`, value: new Uint8Array(300) }]),
      ),
    );
    expect(got.batches).toEqual([1, 500]);
    await queue.close();
  });

  test("has handed a batch over when its publishers learn that it is stored", async () => {
    const { queue } = await openQueue();
    const { got, consumer } = collect();
    await queue.consume("commands", "messages", consumer);
    for (let value = 1; value <= 20; value++) {
      await queue.publish("commands", [{ key: "key", value: new Uint8Array(1) }]);
      expect(got.records).toHaveLength(value);
    }
    await queue.close();
  });

  test("hands on the publishers' own forms, and values as they were when publish was called", async () => {
    const { queue } = await openQueue();
    const { got, consumer } = collect();
    await queue.consume("commands", "messages", consumer);
    const decoded = { some: "thing" };
    const memory = new TextEncoder().encode("as it was");
    const published = queue.publish("commands", [{ key: "key", value: memory, decoded }]);
    memory.fill(0);
    await published;
    expect(got.records[0]?.decoded).toBe(decoded);
    expect(new TextDecoder().decode(got.records[0]?.value)).toBe("as it was");
    await queue.close();
  });

  test("serves a consumer that fell far behind from the file, in order, and others meanwhile", async () => {
    const { queue } = await openQueue();
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const slow = collect((records) => (records[0]?.key === "0" ? held : undefined));
    const quick = collect();
    await queue.consume("commands", "slow", slow.consumer);
    await queue.consume("commands", "quick", quick.consumer);
    // Far more than is kept in memory.
    const value = new Uint8Array(100_000).fill(3);
    for (let number = 0; number < 600; number += 10) {
      const items = Array.from({ length: 10 }, (_, index) => ({ key: String(number + index), value }));
      await queue.publish("commands", items);
    }
    expect(slow.got.batches).toHaveLength(1);
    expect(quick.got.records).toHaveLength(600);
    go();
    await until("the slow one to catch up", () => slow.got.records.length === 600);
    expect(slow.got.records.map((record) => record.key)).toEqual(Array.from({ length: 600 }, (_, at) => String(at)));
    expect(slow.got.records.every((record) => record.value.every((byte) => byte === 3))).toBe(true);
    await queue.close();
  });

  test("never gives an offset that an older copy of its directory could have given", async () => {
    const directory = await temporaryDirectory();
    let time = 1_000_000;
    const now = () => time;
    const first = await openQueue({ directory, now });
    await first.queue.publish("commands", [{ key: "key", value: new Uint8Array(1) }]);
    expect(await first.queue.head("commands", 0)).toBe(1_000_000_000);
    await first.queue.close();
    time += 60_000;
    const later = await openQueue({ directory, now });
    await later.queue.publish("commands", [{ key: "key", value: new Uint8Array(1) }]);
    expect(await later.queue.head("commands", 0)).toBe(1_060_000_000);
    await later.queue.close();
    time -= 120_000;
    const turnedBack = await openQueue({ directory, now });
    await turnedBack.queue.publish("commands", [{ key: "key", value: new Uint8Array(1) }]);
    expect(await turnedBack.queue.head("commands", 0)).toBe(1_060_000_001);
    await turnedBack.queue.close();
  });

  test("refuses what would wait beyond its bound, and takes in more once that is written", async () => {
    const { queue } = await openQueue({ maxWaitingBytes: 1_000_000 });
    const publish = () => queue.publish("commands", [{ key: "key", value: new Uint8Array(300_000) }]);
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, publish));
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      ...Array.from({ length: 4 }, () => "fulfilled"),
      ...Array.from({ length: 6 }, () => "rejected"),
    ]);
    expect(outcomes[9]).toMatchObject({ reason: { code: "store_unavailable", limit: 1_000_000 } });
    await publish();
    await queue.close();
  });

  test("removes soon after a checkpoint of the commands what it makes needless, in this life or the next", async () => {
    const directory = await temporaryDirectory();
    let store = await openQueue({ directory });
    await store.storage.open();
    const offsets: number[] = [];
    for (let round = 0; round < 3; round++) {
      await store.queue.publish("commands", [
        { key: "key", value: new Uint8Array(1) },
        { key: "key", value: new Uint8Array(1) },
      ]);
      offsets.push((await store.queue.head("commands", 0)) as number);
    }
    const [, second, third] = offsets as [number, number, number];
    let life = 0;
    /** Opens the directory anew and answers the offsets that are kept. */
    const kept = async () => {
      await store.queue.close();
      await store.storage.close();
      store = await openQueue({ directory });
      await store.storage.open();
      const { got, consumer } = collect();
      await store.queue.consume("commands", `group ${life++}`, consumer);
      await until("the last record", () => got.records.at(-1)?.offset === third);
      return got.records.map((record) => record.offset);
    };
    /** The same, where the life before was long enough for a trim to begin. */
    const keptAfterALife = async () => {
      await pause(30);
      return kept();
    };
    // In the middle of the second segment: the first goes, the second stays whole.
    await store.storage.write([
      { kind: "checkpoint", topic: "commands", partition: 0, offset: second - 1, value: new Uint8Array(0) },
      { kind: "checkpoint", topic: "others", partition: 0, offset: 1e15, value: new Uint8Array(0) },
    ]);
    await until("the first segment to go", async () => (await keptAfterALife()).length === 4);
    expect(await kept()).toEqual([second - 1, second, third - 1, third]);
    await store.queue.close();
    await store.storage.close();
  });

  test("refuses options that make no sense", () => {
    expect(() => lmdb({ directory: "" })).toThrowError(expect.objectContaining({ code: "config", field: "directory" }));
    expect(() => lmdb({ directory: "x", maxSize: 0 })).toThrowError(expect.objectContaining({ field: "maxSize" }));
  });
});
