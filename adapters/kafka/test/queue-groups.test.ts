import { randomUUID } from "node:crypto";
import type { Offset, Queue, QueueItem } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type KafkaOptions, kafka } from "../src/index.js";
import { Broker, client } from "./broker.js";
import { type Child, startConsumer } from "./child.js";
import { codeOf } from "./code-of.js";
import { Reader } from "./reader.js";

const PATIENCE_MS = 30_000;
const SESSION_MS = 2_000;
const TOPIC = "topic";

function item(value: string | number, partition = 0): QueueItem {
  return { key: "key", value: Buffer.from(String(value)), partition };
}

describe("who reads which partition of a queue on Kafka", () => {
  let prefix: string;
  let broker: Broker;
  const queues: Queue[] = [];
  const children: Child[] = [];

  beforeEach(() => {
    prefix = `test-${randomUUID()}`;
    broker = new Broker(prefix);
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    await broker.end();
  });

  /** A queue as another process has it. */
  async function open(partitions: number, options: Partial<KafkaOptions> = {}): Promise<Queue> {
    const { queue } = kafka({ client, prefix, partitions, replicas: 1, sessionTimeoutMs: SESSION_MS, ...options });
    queues.push(queue);
    await queue.open();
    return queue;
  }

  function spawn(): Child {
    const child = startConsumer(prefix, SESSION_MS);
    children.push(child);
    return child;
  }

  async function owning(reader: Reader, count: number): Promise<void> {
    await until(`it to own ${count} partitions`, () => reader.owned().length === count, PATIENCE_MS);
  }

  test("partitions are spread evenly over whoever is there, and nobody has one that another has", async () => {
    const readers = [new Reader(), new Reader(), new Reader()];
    const [one, two, three] = readers as [Reader, Reader, Reader];
    const evenly =
      (...counts: number[]) =>
      () => {
        const owned = readers.flatMap((reader) => reader.owned());
        expect(owned.length).toBe(new Set(owned).size);
        const sizes = readers.map((reader) => reader.owned().length).sort();
        return sizes.join() === counts.join();
      };
    const first = await (await open(8)).consume(TOPIC, "group", one);
    await owning(one, 8);
    await (await open(8)).consume(TOPIC, "group", two);
    await until("two to have four each", evenly(0, 4, 4), PATIENCE_MS);
    await (await open(8)).consume(TOPIC, "group", three);
    await until("three to have their shares", evenly(2, 3, 3), PATIENCE_MS);
    await first.stop();
    await until("two to share again", evenly(0, 4, 4), PATIENCE_MS);
  });

  test("who leaves hands over at once, long before a session would have run out", async () => {
    const options = { sessionTimeoutMs: 20_000 };
    const [one, two] = [new Reader(), new Reader()];
    const leaving = await (await open(2, options)).consume(TOPIC, "group", one);
    await owning(one, 2);
    await (await open(2, options)).consume(TOPIC, "group", two);
    await owning(two, 1);
    const began = performance.now();
    await leaving.stop();
    await owning(two, 2);
    // The one that stays learns of it with its next heartbeat.
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test("who dies is replaced within moments of a session, and what it had not taken in comes again", async () => {
    const child = spawn();
    await until("the other process to own all", () => child.owns() === "0,1,2,3", PATIENCE_MS);
    const queue = await open(4);
    const reader = new Reader();
    await queue.consume(TOPIC, "group", reader);
    await owning(reader, 2);
    await queue.publish(
      TOPIC,
      [0, 1, 2, 3].map((partition) => item(partition, partition)),
    );
    await child.kill();
    const began = performance.now();
    await owning(reader, 4);
    expect(performance.now() - began).toBeLessThan(SESSION_MS * 4);
    await until("all to arrive", () => new Set(reader.values()).size === 4, PATIENCE_MS);
  });

  test("a process that was stopped for longer than its session knows that it owns nothing when it goes on", async () => {
    const zombie = spawn();
    await until("the other process to own all", () => zombie.owns() === "0,1,2,3", PATIENCE_MS);
    const queue = await open(4);
    zombie.pause();
    const reader = new Reader();
    await queue.consume(TOPIC, "group", reader);
    await owning(reader, 4);
    await queue.publish(
      TOPIC,
      [0, 1, 2, 3].map((partition) => item(`for the new ${partition}`, partition)),
    );
    await until("all to arrive", () => reader.records.length === 4, PATIENCE_MS);
    const before = zombie.lines.length;
    zombie.resume();
    await until("it to own its share", () => zombie.owns().split(",").length === 2, PATIENCE_MS);
    const after = zombie.lines.slice(before).filter((line) => /^(woke|owns|batch|assigned)/.test(line));
    expect(after[0]).toBe("woke: owns ");
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

  test("a partition that moves in mid-batch goes on from the checkpoint, in order, and nothing is skipped", async () => {
    const checkpoints = new Map<number, Offset>();
    const [one, two] = [new Reader(checkpoints), new Reader(checkpoints)];
    const queue = await open(2);
    await queue.consume(TOPIC, "group", one);
    await owning(one, 2);
    let open1st = () => {};
    one.gate = new Promise((resolve) => {
      open1st = resolve;
    });
    const numbers = Array.from({ length: 200 }, (_, number) => number);
    await queue.publish(
      TOPIC,
      numbers.map((number) => item(number, number % 2)),
    );
    await (await open(2)).consume(TOPIC, "group", two);
    // Whoever lets go is asked to at once, and has a batch open: its lease is over before it returns.
    await until("one to be let go", () => one.owned().length < 2, PATIENCE_MS);
    open1st();
    await owning(two, 1);
    await owning(one, 1);
    await until("all to arrive", () => one.records.length + two.records.length >= 200, PATIENCE_MS);
    expect(one.dropped + two.dropped).toBeGreaterThanOrEqual(1);
    for (const partition of [0, 1]) {
      const got = [one, two].flatMap((reader) => reader.records.filter(({ at }) => at === partition));
      const values = got.map(({ value }) => Number(Buffer.from(value)));
      expect(values).toEqual(numbers.filter((number) => number % 2 === partition));
    }
  });

  test("records go when every group has committed them, and whoever comes then is told", async () => {
    const queue = await open(1, { trimEveryMs: 100 });
    const [quick, slow] = [new Reader(), new Reader()];
    const quickly = await queue.consume(TOPIC, "quick", quick);
    const slowly = await queue.consume(TOPIC, "slow", slow);
    for (let value = 0; value < 20; value++) await queue.publish(TOPIC, [item(value)]);
    await until("both to have all", () => quick.records.length === 20 && slow.records.length === 20, PATIENCE_MS);
    const offsets = quick.offsets() as [Offset, ...Offset[]];
    await quickly.commit(0, offsets[19] as Offset);
    await slowly.commit(0, offsets[4] as Offset);
    await until("what both have committed to be gone", async () => (await broker.startOf(0)) === 5n, PATIENCE_MS);
    await slowly.commit(0, offsets[19] as Offset);
    await until("all to be gone", async () => (await broker.startOf(0)) === 20n, PATIENCE_MS);
    expect(await queue.head(TOPIC, 0)).toBe(offsets[19]);
    const late = new Reader();
    await queue.consume(TOPIC, "late", late);
    await owning(late, 1);
    expect(late.assignments[0]?.completeAfter).toBe(offsets[19]);
  });

  test("another number of partitions than the topic has is refused, with what to do", async () => {
    const [eight, four] = [await open(8), await open(4)];
    await eight.publish(TOPIC, [item("first")]);
    expect(await codeOf(four.publish(TOPIC, [item("second")]))).toBe("config");
    expect(await codeOf(four.consume(TOPIC, "group", new Reader()))).toBe("config");
    await expect(four.head(TOPIC, 0)).rejects.toThrow(/8 partitions/);
    expect(await codeOf(four.publish("another", [item("third")]))).toBe("none");
  });

  test("a name that Kafka doesn't take for a topic is refused", async () => {
    const queue = await open(2);
    expect(await codeOf(queue.publish("a/b c", [item("first")]))).toBe("invalid");
    expect(await codeOf(queue.consume("a/b c", "group", new Reader()))).toBe("invalid");
  });

  test("more replicas than there are brokers are refused, naming the option", async () => {
    const queue = await open(2, { replicas: 3 });
    await expect(queue.publish(TOPIC, [item("first")])).rejects.toMatchObject({ code: "config", field: "replicas" });
  });
});
