import { randomUUID } from "node:crypto";
import type { QueueItem } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Redis, type RedisOptions, redis } from "../src/index.js";
import { libraries } from "./clients.js";
import { codeOf } from "./code-of.js";
import { Reader } from "./reader.js";
import { RedisServer } from "./redis-server.js";
import { Tunnel } from "./tunnel.js";

const PATIENCE_MS = 20_000;
const LEASE_MS = 600;
const DEADLINE_MS = 1_000;
const TOPIC = "topic";

function item(value: string | number, partition = 0): QueueItem {
  return { key: "key", value: Buffer.from(String(value)), partition };
}

for (const [name, library] of Object.entries(libraries)) {
  describe(`the queue when Redis fails, with ${name}`, () => {
    let server: RedisServer;
    let tunnel: Tunnel;
    let prefix: string;
    /** The queue of a process that publishes, with its own way to Redis. */
    let publisher: Redis["queue"];
    /** The queue of a process that consumes. */
    let queue: Redis["queue"];

    function make(port: number, options: Partial<RedisOptions> = {}): Redis["queue"] {
      const some = { prefix, partitions: 2, leaseMs: LEASE_MS, deadlineMs: DEADLINE_MS, probeMs: 300 };
      return redis({ ...some, ...options, client: library.single(port) }).queue;
    }

    beforeEach(async () => {
      server = await RedisServer.start();
      tunnel = await Tunnel.to(server.port);
      prefix = `test-${randomUUID()}`;
      [publisher, queue] = [make(tunnel.port), make(server.port)];
      await Promise.all([publisher.open(), queue.open()]);
    });

    afterEach(async () => {
      server.resume();
      tunnel.mend();
      await Promise.all([publisher.close(), queue.close()]);
      await tunnel.end();
      await server.end();
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

    /** Publishes until it works: Redis may only just be coming back. */
    async function publishAtLast(value: string | number): Promise<void> {
      await until(
        "publishing to work",
        async () => (await codeOf(publisher.publish(TOPIC, [item(value)]))) === "none",
        PATIENCE_MS,
      );
    }

    const keyOf = (what: "log" | "facts") => `{${prefix}:q:${TOPIC}:0}:${what}`;

    /** What a partition's log, and what belongs to it, look like now, and how to make them look so again. */
    async function memoryOf(): Promise<() => Promise<void>> {
      const keys = await server.control.keys(`{${prefix}:q:${TOPIC}:0}*`);
      const dumps = await Promise.all(keys.map((key) => server.control.dumpBuffer(key)));
      return async () => {
        const back = server.control.multi();
        for (const [index, key] of keys.entries()) back.restore(key, 0, dumps[index] as Buffer, "REPLACE");
        await back.exec();
      };
    }

    test("after a wipe each partition is given anew, says from where on it is complete, and offsets go on above", async () => {
      const reader = await reading();
      await publisher.publish(TOPIC, [item("before")]);
      await arrived(reader, "before");
      const [before = 0] = reader.offsets();
      await server.control.flushall();
      await until("all to be revoked", () => reader.revocations.length === 2, PATIENCE_MS);
      expect(reader.owned()).toEqual([]);
      await until("all to be assigned again", () => reader.owned().length === 2, PATIENCE_MS);
      for (const { completeAfter } of reader.assignments.slice(2)) expect(completeAfter).toBeGreaterThan(before);
      await publisher.publish(TOPIC, [item("after")]);
      await arrived(reader, "after");
      expect(reader.offsets().at(-1)).toBeGreaterThan(reader.assignments.at(-1)?.completeAfter as number);
    });

    test("what is published into a log that was wiped arrives, though nobody had noticed yet", async () => {
      const reader = await reading();
      await publisher.publish(TOPIC, [item("before")]);
      await arrived(reader, "before");
      await server.control.del(keyOf("log"), keyOf("facts"));
      await publisher.publish(TOPIC, [item("after")]);
      await arrived(reader, "after");
      const again = reader.assignments.slice(2);
      expect(again.map(({ partition }) => partition)).toEqual([0]);
      expect(again[0]?.completeAfter).toBeGreaterThan(reader.offsets()[0] as number);
    });

    test("a failover that forgot what a consumer has seen begins a new life, and hands no offset out twice", async () => {
      const reader = await reading();
      await publisher.publish(TOPIC, [item("kept")]);
      await arrived(reader, "kept");
      const goBack = await memoryOf();
      await publisher.publish(TOPIC, [item("forgotten")]);
      await arrived(reader, "forgotten");
      await goBack();
      await until("a new life", () => reader.assignments.length > 2, PATIENCE_MS);
      await publisher.publish(TOPIC, [item("after")]);
      await arrived(reader, "after");
      const offsets = reader.offsets();
      expect(new Set(offsets).size).toBe(3);
      expect(reader.assignments.at(-1)?.completeAfter).toBeGreaterThanOrEqual(offsets[1] as number);
      expect(offsets[2]).toBeGreaterThan(reader.assignments.at(-1)?.completeAfter as number);
    });

    test("a failover that forgot what nobody has seen is found out by its publisher, though it says no more", async () => {
      const reader = await reading();
      await publisher.publish(TOPIC, [item("kept")]);
      await arrived(reader, "kept");
      let go = () => {};
      reader.gate = new Promise((resolve) => {
        go = resolve;
      });
      await publisher.publish(TOPIC, [item("held")]);
      const goBack = await memoryOf();
      await publisher.publish(TOPIC, [item("forgotten")]);
      await goBack();
      go();
      await arrived(reader, "held");
      await until("a new life", () => reader.assignments.length > 2, PATIENCE_MS);
      expect(reader.assignments[2]?.completeAfter).toBeGreaterThan(reader.offsets().at(-1) as number);
      expect(reader.values()).toEqual(["kept", "held"]);
    });

    test("while Redis hangs leases run out and publishing fails in time; afterwards all goes on", async () => {
      const reader = await reading();
      await publisher.publish(TOPIC, [item("before")]);
      await arrived(reader, "before");
      server.pause();
      const began = performance.now();
      const first = publisher.publish(TOPIC, [item("1")]);
      await new Promise((resolve) => setImmediate(resolve));
      const second = publisher.publish(TOPIC, [item("2")]);
      expect([await codeOf(first), await codeOf(second)]).toEqual(["store_unavailable", "store_unavailable"]);
      expect(performance.now() - began).toBeLessThan(DEADLINE_MS * 2);
      await until("all to be revoked", () => reader.revocations.length === 2, PATIENCE_MS);
      expect(reader.owned()).toEqual([]);
      server.resume();
      await publishAtLast("3");
      await arrived(reader, "3");
      // The first may have been under way; the second was never sent. Neither comes after the third.
      expect(reader.values().join()).toMatch(/^before,(1,)?3$/);
    });

    test("a call that failed and arrives late is refused: nothing is stored out of order", async () => {
      const reader = await reading();
      await publisher.publish(TOPIC, [item("before")]);
      tunnel.holdRequests();
      expect(await codeOf(publisher.publish(TOPIC, [item("late")]))).toBe("store_unavailable");
      await publishAtLast("next");
      tunnel.letRequestsThrough();
      await publishAtLast("last");
      await arrived(reader, "last");
      expect(reader.values()).toEqual(["before", "next", "last"]);
    });

    test("with connections cut again and again the order is kept and nothing accepted is missing", async () => {
      const reader = await reading();
      const accepted: number[] = [];
      for (let value = 0; value < 60; value++) {
        const published = publisher.publish(TOPIC, [item(value)]);
        if (value % 5 === 4) tunnel.cut();
        if ((await codeOf(published)) === "none") accepted.push(value);
      }
      await publishAtLast(60);
      await arrived(reader, 60);
      const got = reader.values().map(Number);
      expect(got).toEqual([...got].sort((one, other) => one - other));
      expect(accepted.filter((value) => !got.includes(value))).toEqual([]);
      expect(new Set(got).size).toBe(got.length);
    });

    test("records of a Redis that comes back from its disk are read on, those that were lost are told of", async () => {
      await Promise.all([publisher.close(), queue.close()]);
      await server.end();
      server = await RedisServer.start(["--appendonly", "yes", "--appendfsync", "always"]);
      [publisher, queue] = [make(server.port), make(server.port)];
      await Promise.all([publisher.open(), queue.open()]);
      const reader = await reading();
      await publisher.publish(TOPIC, [item("before")]);
      await arrived(reader, "before");
      await server.kill();
      expect(await codeOf(publisher.publish(TOPIC, [item("lost")]))).toBe("store_unavailable");
      await server.start();
      await publishAtLast("after");
      await arrived(reader, "after");
      expect(reader.values()).toEqual(["before", "after"]);
      // It forgot nothing: the log's life is the first one still.
      const births = reader.assignments.filter(({ partition }) => partition === 0).map((one) => one.completeAfter);
      expect(new Set(births).size).toBe(1);
    });

    test("a log takes no more than it may, and goes on when it was committed", async () => {
      const small = make(server.port, { maxBytes: 200_000 });
      await small.open();
      const value = Buffer.alloc(50_000, "x");
      const fill = async () => codeOf(small.publish(TOPIC, [{ key: "key", value, partition: 0 }]));
      await until("it to be full", async () => (await fill()) === "store_unavailable", PATIENCE_MS);
      const reader = new Reader();
      const consumption = await small.consume(TOPIC, "group", reader);
      await until("all to be read", async () => reader.offsets().at(-1) === (await small.head(TOPIC, 0)), PATIENCE_MS);
      const emptied = async () => {
        await consumption.commit(0, reader.offsets().at(-1) as number);
        return (await fill()) === "none";
      };
      await until("it to take more", emptied, PATIENCE_MS);
      await small.close();
    });
  });
}
