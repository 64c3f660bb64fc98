import assert from "node:assert/strict";
import type { Offset, QueueRecord } from "../../ports/queue.js";
import { until } from "../until.js";
import { arrived, aWhile, item, join, type QueueClause, Reader, someTopic, textOf } from "./subject.js";

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

export const deliveryClauses: readonly QueueClause[] = [
  {
    name: "a consumer that wants everything gets what was published before it joined and after",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      await adapter.publish(
        topic,
        numbers(0, 10).map((value) => item("key", value)),
      );
      const reader = new Reader();
      await join(adapter, topic, reader);
      await adapter.publish(
        topic,
        numbers(10, 20).map((value) => item("key", value)),
      );
      await arrived(reader, 20, patienceMs);
      reader.assertSound();
      assert.deepEqual(reader.values(), numbers(0, 20));
    },
  },
  {
    name: "a consumer gets what comes after its checkpoint, and not what is at or before it",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      await adapter.publish(
        topic,
        numbers(0, 10).map((value) => item("key", value)),
      );
      const first = new Reader();
      await join(adapter, topic, first, "first");
      await arrived(first, 10, patienceMs);
      const checkpoint = first.records()[5]?.offset as Offset;
      const second = new Reader({ from: () => checkpoint });
      await join(adapter, topic, second, "second");
      await adapter.publish(topic, [item("key", 10)]);
      await arrived(second, 5, patienceMs);
      assert.deepEqual(second.values(), numbers(6, 11));
    },
  },
  {
    name: "each group gets everything",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const readers = [new Reader(), new Reader()];
      for (const [index, reader] of readers.entries()) await join(adapter, topic, reader, `group ${index}`);
      await adapter.publish(
        topic,
        numbers(0, 50).map((value) => item("key", value)),
      );
      for (const reader of readers) {
        await arrived(reader, 50, patienceMs);
        assert.deepEqual(reader.values(), numbers(0, 50));
      }
    },
  },
  {
    name: "no batch of a partition comes while one is open",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      let let1stGo = () => {};
      const held = new Promise<void>((resolve) => {
        let1stGo = resolve;
      });
      let batches = 0;
      const reader = new Reader({
        batch: () => (batches++ === 0 ? held : new Promise((resolve) => setImmediate(resolve))),
      });
      await join(adapter, topic, reader);
      await adapter.publish(topic, [item("key", 0)]);
      await arrived(reader, 1, patienceMs);
      for (let value = 1; value < 40; value++) await adapter.publish(topic, [item("key", value)]);
      await aWhile();
      assert.equal(reader.count("batch"), 1, "a second batch came though the first was open");
      let1stGo();
      await arrived(reader, 40, patienceMs);
      reader.assertSound();
      assert.deepEqual(reader.values(), numbers(0, 40));
    },
  },
  {
    name: "a rejected batch is handed out again from the checkpoint, and nothing is skipped [R5]",
    async check({ adapter, patienceMs }) {
      for (const fail of [() => Promise.reject(new Error("not now")), thrower]) {
        const topic = someTopic();
        const checkpoints = new Map<number, Offset>();
        let failures = 0;
        const done: QueueRecord[] = [];
        const reader = new Reader({
          from: (partition) => checkpoints.get(partition) ?? null,
          batch: (partition, records) => {
            // Takes the first batch, rejects twice what comes then, and takes all the rest.
            if (done.length > 0 && failures < 2) {
              failures++;
              return fail();
            }
            done.push(...records);
            if (checkpoints.size === 0) checkpoints.set(partition, records.at(-1)?.offset as Offset);
          },
        });
        await join(adapter, topic, reader);
        await adapter.publish(topic, [item("key", 0)]);
        await arrived(reader, 1, patienceMs);
        for (let value = 1; value < 30; value++) await adapter.publish(topic, [item("key", value)]);
        await until("all records to be taken", () => done.length >= 30, patienceMs);
        reader.assertSound();
        assert.deepEqual(done.map(textOf), numbers(0, 30));
        const beginnings = reader.count("assigned") - adapter.partitions(topic);
        assert.equal(beginnings, 2, "each rejection begins anew with assigned");
      }
    },
  },
  {
    name: "a rejection makes the lease invalid before the partition is handed out again",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      let failed: number | null = null;
      const reader = new Reader({
        batch: (partition) => {
          if (failed !== null) return;
          failed = partition;
          throw new Error("not now");
        },
      });
      const leases = () =>
        reader.events.flatMap((event) =>
          event.type === "assigned" && event.partition === failed ? [event.lease] : [],
        );
      await join(adapter, topic, reader);
      await adapter.publish(topic, [item("key", 0)]);
      await until("a second assignment", () => leases().length === 2, patienceMs);
      reader.assertSound();
      assert.deepEqual(
        leases().map((lease) => lease.valid()),
        [false, true],
      );
    },
  },
  {
    name: "a consumer whose checkpoint can't be read yet is asked again",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const asked = new Map<number, number>();
      const reader = new Reader({
        from: (partition) => {
          const times = (asked.get(partition) ?? 0) + 1;
          asked.set(partition, times);
          if (times < 3) throw new Error("storage is away");
          return null;
        },
      });
      await join(adapter, topic, reader);
      await adapter.publish(topic, [item("key", 0)]);
      await arrived(reader, 1, patienceMs);
      assert.deepEqual(reader.values(), ["0"]);
    },
  },
  {
    name: "what a group has committed need not come again, and everything after it does",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      const consumption = await join(adapter, topic, reader);
      await adapter.publish(
        topic,
        numbers(0, 100).map((value) => item("key", value)),
      );
      await arrived(reader, 100, patienceMs);
      const [partition] = [...reader.leases.keys()].filter((at) => reader.records(at).length > 0);
      await consumption.commit(partition as number, reader.records()[49]?.offset as Offset);
      await consumption.commit(partition as number, reader.records()[9]?.offset as Offset);
      await consumption.stop();
      const next = new Reader();
      await join(adapter, topic, next);
      await arrived(next, 50, patienceMs);
      await until("the last record", () => next.values().at(-1) === "99", patienceMs);
      assert.deepEqual(next.values().slice(-50), numbers(50, 100));
    },
  },
  {
    name: "what one group has committed is kept for another that has not",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const readers = [new Reader(), new Reader({ batch: () => Promise.reject(new Error("not now")) })];
      const [quick, slow] = [
        await join(adapter, topic, readers[0] as Reader, "quick"),
        await join(adapter, topic, readers[1] as Reader, "slow"),
      ];
      await adapter.publish(
        topic,
        numbers(0, 10).map((value) => item("key", value)),
      );
      await arrived(readers[0] as Reader, 10, patienceMs);
      const partition = [...(readers[0] as Reader).leases.keys()].find((at) => readers[0]?.records(at).length === 10);
      await quick.commit(partition as number, readers[0]?.records().at(-1)?.offset as Offset);
      await slow.stop();
      const again = new Reader();
      await join(adapter, topic, again, "slow");
      await arrived(again, 10, patienceMs);
      assert.deepEqual(again.values(), numbers(0, 10));
    },
  },
  {
    name: "ten thousand records of 300 bytes arrive, once each where nothing fails",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      await join(adapter, topic, reader);
      const filler = ".".repeat(290);
      const published: Promise<void>[] = [];
      for (let value = 0; value < 10_000; value += 10) {
        published.push(
          adapter.publish(
            topic,
            numbers(value, value + 10).map((name) => item("key", name + filler)),
          ),
        );
      }
      await Promise.all(published);
      await arrived(reader, 10_000, patienceMs * 4);
      reader.assertSound();
      assert.deepEqual(
        reader.values(),
        numbers(0, 10_000).map((name) => name + filler),
      );
    },
  },
];

function thrower(): never {
  throw new Error("not now");
}
