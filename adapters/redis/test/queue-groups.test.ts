import { randomUUID } from "node:crypto";
import type { QueueItem } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Redis, type RedisOptions, redis } from "../src/index.js";
import { type Child, startConsumer } from "./child.js";
import { libraries } from "./clients.js";
import { codeOf } from "./code-of.js";
import { Reader } from "./reader.js";
import { RedisServer } from "./redis-server.js";

const PATIENCE_MS = 20_000;
const TOPIC = "topic";

function item(value: string | number, partition = 0): QueueItem {
  return { key: "key", value: Buffer.from(String(value)), partition };
}

describe("who reads which partition of a Redis queue", () => {
  let server: RedisServer;
  let prefix: string;
  const queues: Redis["queue"][] = [];
  const children: Child[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
    prefix = `test-${randomUUID()}`;
  });

  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await server.end();
  });

  /** A queue as another process has it. */
  async function open(options: Partial<RedisOptions> = {}): Promise<Redis["queue"]> {
    const client = libraries.ioredis.single(server.port);
    const { queue } = redis({ prefix, partitions: 8, leaseMs: 1_000, deadlineMs: 2_000, ...options, client });
    queues.push(queue);
    await queue.open();
    return queue;
  }

  function spawn(leaseMs: number): Child {
    const child = startConsumer(server.port, prefix, leaseMs);
    children.push(child);
    return child;
  }

  async function owning(reader: Reader, ...counts: number[]): Promise<void> {
    const what = `it to own ${counts.join(" or ")} partitions`;
    await until(what, () => counts.includes(reader.owned().length), PATIENCE_MS);
  }

  test("where there is no lease on record a partition is taken after one whole lease, and not before [R2 c]", async () => {
    const queue = await open();
    const reader = new Reader();
    const began = performance.now();
    await queue.consume(TOPIC, "group", reader);
    await owning(reader, 8);
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000);
    await server.control.flushall();
    const wiped = performance.now();
    const recorded = async () => (await server.control.hkeys(`{${prefix}:q:${TOPIC}}:group:group`)).includes("p:0");
    await until("a lease to be on record again", recorded, PATIENCE_MS);
    expect(performance.now() - wiped).toBeGreaterThanOrEqual(1_000);
    await owning(reader, 8);
  });

  test("partitions are spread evenly over whoever is there, and nobody has one that another has", async () => {
    const readers = [new Reader(), new Reader(), new Reader()];
    const [one, two, three] = readers as [Reader, Reader, Reader];
    const overlaps = () => {
      const owned = readers.flatMap((reader) => reader.owned());
      return owned.length - new Set(owned).size;
    };
    const first = await (await open()).consume(TOPIC, "group", one);
    await owning(one, 8);
    await (await open()).consume(TOPIC, "group", two);
    const evenly =
      (...counts: number[]) =>
      () => {
        expect(overlaps()).toBe(0);
        return (
          readers
            .map((reader) => reader.owned().length)
            .sort()
            .join() === counts.join()
        );
      };
    await until("two to have four each", evenly(0, 4, 4), PATIENCE_MS);
    await (await open()).consume(TOPIC, "group", three);
    await until("three to have their shares", evenly(2, 3, 3), PATIENCE_MS);
    // Nothing moved that needn't.
    expect(two.revocations.length).toBeLessThanOrEqual(2);
    await first.stop();
    await until("two to share again", evenly(0, 4, 4), PATIENCE_MS);
  });

  test("who leaves hands over at once, long before a lease would have run out", async () => {
    const options = { leaseMs: 6_000, partitions: 2 };
    const [one, two] = [new Reader(), new Reader()];
    const leaving = await (await open(options)).consume(TOPIC, "group", one);
    await owning(one, 2);
    await (await open(options)).consume(TOPIC, "group", two);
    await owning(two, 1);
    const began = performance.now();
    await leaving.stop();
    await owning(two, 2);
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  test("who dies is replaced within moments of a lease", async () => {
    const child = spawn(1_000);
    await until("the other process to own all", () => child.owns() === "0,1,2,3", PATIENCE_MS);
    const queue = await open({ partitions: 4 });
    const reader = new Reader();
    await queue.consume(TOPIC, "group", reader);
    await owning(reader, 2);
    await child.kill();
    const began = performance.now();
    await owning(reader, 4);
    expect(performance.now() - began).toBeLessThan(3_000);
    await queue.publish(
      TOPIC,
      [0, 1, 2, 3].map((partition) => item(partition, partition)),
    );
    await until("all to arrive", () => reader.records.length === 4, PATIENCE_MS);
  });

  test("a process that was stopped for longer than its lease knows that it owns nothing when it goes on", async () => {
    const zombie = spawn(1_000);
    await until("the other process to own all", () => zombie.owns() === "0,1,2,3", PATIENCE_MS);
    const queue = await open({ partitions: 4 });
    zombie.pause();
    const reader = new Reader();
    await queue.consume(TOPIC, "group", reader);
    await owning(reader, 4);
    await queue.publish(
      TOPIC,
      [0, 1, 2, 3].map((partition) => item(`for the new ${partition}`, partition)),
    );
    await until("all to arrive", () => reader.records.length === 4, PATIENCE_MS);
    // Nobody else may have a partition at any time: the new owner looks all the while.
    const before = zombie.lines.length;
    zombie.resume();
    await until("it to own its share", () => zombie.owns().split(",").length === 2, PATIENCE_MS);
    const after = zombie.lines.slice(before).filter((line) => /^(owns|batch|assigned)/.test(line));
    expect(after[0]).toBe("owns ");
    // What it is handed now it gets as the owner that it has become.
    const firstBatch = after.findIndex((line) => line.startsWith("batch"));
    const firstAssigned = after.findIndex((line) => line.startsWith("assigned"));
    expect(firstBatch === -1 || firstBatch > firstAssigned).toBe(true);
    await until(
      "all to be owned once",
      () => reader.owned().length + zombie.owns().split(",").length === 4,
      PATIENCE_MS,
    );
  });

  test("a log is trimmed behind the slowest of its groups", async () => {
    const queue = await open({ leaseMs: 300, partitions: 1 });
    const [quick, slow] = [new Reader(), new Reader()];
    const quickly = await queue.consume(TOPIC, "quick", quick);
    const slowly = await queue.consume(TOPIC, "slow", slow);
    for (let value = 0; value < 20; value++) await queue.publish(TOPIC, [item(value)]);
    await until("both to have all", () => quick.records.length === 20 && slow.records.length === 20, PATIENCE_MS);
    const left = () => server.control.xlen(`{${prefix}:q:${TOPIC}:0}:log`);
    const offsets = quick.offsets() as [number, ...number[]];
    await slowly.commit(0, offsets[4] as number);
    const trimmed = async () => {
      await quickly.commit(0, offsets[19] as number);
      return (await left()) === 15;
    };
    await until("what both have committed to be gone", trimmed, PATIENCE_MS);
    await slowly.commit(0, offsets[19] as number);
    expect(await left()).toBe(0);
    // Whoever comes now is told from where on everything is there.
    const late = new Reader();
    await queue.consume(TOPIC, "late", late);
    await owning(late, 1);
    expect(late.assignments[0]?.completeAfter).toBe(offsets[19]);
  });

  test("publishes that meet share a round trip", async () => {
    const queue = await open({ partitions: 2 });
    await queue.publish(TOPIC, [item(0, 0), item(0, 1)]);
    await server.control.config("RESETSTAT");
    await Promise.all(Array.from({ length: 1_000 }, (_, value) => queue.publish(TOPIC, [item(value, value % 2)])));
    const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server.control.info("commandstats"))?.[1]);
    expect(calls).toBeLessThanOrEqual(4);
  });

  test("nodes that mean different numbers of partitions are refused", async () => {
    const [eight, four] = [await open(), await open({ partitions: 4 })];
    await eight.publish(TOPIC, [item("first")]);
    expect(await codeOf(four.publish(TOPIC, [item("second")]))).toBe("config");
    expect(await codeOf(four.consume(TOPIC, "group", new Reader()))).toBe("config");
    expect(await codeOf(four.publish("another topic", [item("third")]))).toBe("none");
  });
});
