import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Queue, QueueItem } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { killServer, pauseServer, resumeServer, startServer } from "../../../scripts/services/services.js";
import { kafka } from "../src/index.js";
import { Broker, client } from "./broker.js";
import { codeOf } from "./code-of.js";
import { Reader } from "./reader.js";

const PATIENCE_MS = 60_000;
const SESSION_MS = 2_000;
const PUBLISH_MS = 3_000;
const TOPIC = "topic";

function item(value: string | number, partition = 0): QueueItem {
  return { key: "key", value: Buffer.from(String(value)), partition };
}

describe("the queue when Kafka fails", () => {
  let broker: Broker;
  let prefix: string;
  /** The queue of a process that publishes. */
  let publisher: Queue;
  /** The queue of a process that consumes. */
  let queue: Queue;

  function make(): Queue {
    const times = { sessionTimeoutMs: SESSION_MS, publishTimeoutMs: PUBLISH_MS };
    return kafka({ client, prefix, partitions: 2, replicas: 1, ...times }).queue;
  }

  beforeEach(async () => {
    prefix = `test-${randomUUID()}`;
    broker = new Broker(prefix);
    [publisher, queue] = [make(), make()];
    await Promise.all([publisher.open(), queue.open()]);
  });

  afterEach(async () => {
    await startServer("kafka");
    await Promise.all([publisher.close(), queue.close()]);
    await broker.end();
  });

  async function reading(): Promise<Reader> {
    const reader = new Reader();
    await queue.consume(TOPIC, "group", reader);
    await until("both partitions", () => reader.owned().length === 2, PATIENCE_MS);
    return reader;
  }

  async function arrived(reader: Reader, value: string | number): Promise<void> {
    await until(`${value} to arrive`, () => reader.values().includes(String(value)), PATIENCE_MS);
  }

  /** Publishes until it works: Kafka may only just be coming back. */
  async function publishAtLast(value: string | number): Promise<void> {
    await until(
      "publishing to work",
      async () => (await codeOf(publisher.publish(TOPIC, [item(value)]))) === "none",
      PATIENCE_MS,
    );
  }

  test("a broker that is killed and comes back has lost nothing that was accepted, and the order is kept", async () => {
    const reader = await reading();
    const accepted: number[] = [];
    let over = false;
    const publishing = (async () => {
      for (let value = 0; !over; value++) {
        if ((await codeOf(publisher.publish(TOPIC, [item(value)]))) === "none") accepted.push(value);
      }
    })();
    await arrived(reader, 20);
    await killServer("kafka");
    await startServer("kafka");
    const before = accepted.length;
    await until("publishing to work again", () => accepted.length > before + 20, PATIENCE_MS);
    over = true;
    await publishing;
    await arrived(reader, accepted.at(-1) as number);
    const got = reader.values().map(Number);
    expect(got).toEqual([...got].sort((one, other) => one - other));
    expect(accepted.filter((value) => !got.includes(value))).toEqual([]);
    expect(new Set(got).size).toBe(got.length);
  });

  test("while Kafka hangs leases run out and publishing fails in time; afterwards all goes on in order", async () => {
    const reader = await reading();
    await publisher.publish(TOPIC, [item("before")]);
    await arrived(reader, "before");
    await pauseServer("kafka");
    const began = performance.now();
    const first = publisher.publish(TOPIC, [item("1")]);
    await new Promise((resolve) => setImmediate(resolve));
    const second = publisher.publish(TOPIC, [item("2")]);
    expect([await codeOf(first), await codeOf(second)]).toEqual(["store_unavailable", "store_unavailable"]);
    expect(performance.now() - began).toBeLessThan(PUBLISH_MS * 2);
    await until("all to be revoked", () => reader.revocations.length === 2, PATIENCE_MS);
    expect(reader.owned()).toEqual([]);
    await resumeServer("kafka");
    await publishAtLast("3");
    await arrived(reader, "3");
    // The first may have been under way; the second was never sent. Neither comes after the third.
    expect(reader.values().join()).toMatch(/^before,(1,)?3(,3)*$/);
  });

  test("a group that can't be joined is given up in time, and at once when the queue is closed", async () => {
    await publisher.publish(TOPIC, [item("before")]);
    await queue.head(TOPIC, 0);
    await pauseServer("kafka");
    const late = publisher.consume(TOPIC, "group", new Reader());
    const cut = queue.consume(TOPIC, "group", new Reader());
    cut.catch(() => {});
    await queue.close();
    expect(await codeOf(cut)).toBe("closed");
    expect(await codeOf(late)).toBe("store_unavailable");
    await resumeServer("kafka");
    const reader = new Reader();
    await publisher.consume(TOPIC, "group", reader);
    await arrived(reader, "before");
  });

  test("a topic that was deleted is made again: partitions are given anew, and offsets go on above", async () => {
    const reader = await reading();
    await publisher.publish(TOPIC, [item("before")]);
    await arrived(reader, "before");
    const [before = 0] = reader.offsets();
    await broker.wipe();
    await publishAtLast("after");
    await arrived(reader, "after");
    const [again] = reader.assignments.slice(2).filter(({ partition }) => partition === 0);
    expect(again?.completeAfter).toBeGreaterThan(before);
    expect(reader.offsets().at(-1)).toBeGreaterThan(again?.completeAfter as number);
  });

  test("publishes that meet share a request", async () => {
    await publisher.publish(TOPIC, [item(0, 0), item(0, 1)]);
    let requests = 0;
    const count = () => {
      requests++;
    };
    const channel = "tracing:plt:kafka:connections:api:start";
    subscribe(channel, count);
    await Promise.all(Array.from({ length: 1_000 }, (_, value) => publisher.publish(TOPIC, [item(value, value % 2)])));
    unsubscribe(channel, count);
    expect(requests).toBeGreaterThanOrEqual(1);
    expect(requests).toBeLessThanOrEqual(4);
  });

  test("what is too large for a record is refused, and what comes after it is stored", async () => {
    const value = Buffer.alloc((1 << 20) + 1);
    expect(await codeOf(publisher.publish(TOPIC, [{ key: "key", value }]))).toBe("too_large");
    expect(await codeOf(publisher.publish(TOPIC, [item("next")]))).toBe("none");
  });
});
