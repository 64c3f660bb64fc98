import assert from "node:assert/strict";
import type { Offset } from "../../ports/queue.js";
import { until } from "../until.js";
import { arrived, aWhile, item, join, type QueueClause, Reader, someTopic, textOf } from "./subject.js";

export const groupClauses: readonly QueueClause[] = [
  {
    name: "after stop no batch comes, every partition was revoked, and stop may be called again",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      const consumption = await join(adapter, topic, reader);
      await adapter.publish(topic, [item("key", 0)]);
      await arrived(reader, 1, patienceMs);
      await until("all partitions", () => reader.count("assigned") === adapter.partitions(topic), patienceMs);
      await consumption.stop();
      assert.equal(reader.count("revoked"), adapter.partitions(topic));
      for (const lease of reader.leases.values()) assert.equal(lease.valid(), false);
      await adapter.publish(topic, [item("key", 1)]);
      await consumption.stop();
      await aWhile();
      reader.assertSound();
      assert.deepEqual(reader.values(), ["0"]);
      assert.equal(reader.count("revoked"), adapter.partitions(topic), "revoked comes once");
    },
  },
  {
    name: "a consumer may be stopped while a batch of its own is open",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      let go = () => {};
      const held = new Promise<void>((resolve) => {
        go = resolve;
      });
      const reader = new Reader({ batch: () => held });
      const consumption = await join(adapter, topic, reader);
      await adapter.publish(topic, [item("key", 0)]);
      await arrived(reader, 1, patienceMs);
      const stopped = consumption.stop();
      await until("revoked", () => reader.count("revoked") > 0, patienceMs);
      for (const lease of reader.leases.values()) assert.equal(lease.valid(), false);
      go();
      await stopped;
      await adapter.publish(topic, [item("key", 1)]);
      await aWhile();
      assert.deepEqual(reader.values(), ["0"]);
    },
  },
  {
    name: "when one consumer stops another of the group goes on from its checkpoint",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      let checkpoint: Offset | null = null;
      const from = () => checkpoint;
      const [first, second] = [new Reader({ from }), new Reader({ from })];
      const consumption = await join(adapter, topic, first);
      await adapter.publish(topic, [item("key", 0), item("key", 1)]);
      await arrived(first, 2, patienceMs);
      checkpoint = first.records()[0]?.offset as Offset;
      await consumption.stop();
      await join(adapter, topic, second);
      await adapter.publish(topic, [item("key", 2)]);
      await arrived(second, 2, patienceMs);
      second.assertSound();
      assert.deepEqual(second.values(), ["1", "2"]);
    },
  },
  {
    name: "a partition belongs to one consumer of a group at a time, and all partitions to somebody",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const keys = Array.from({ length: 30 }, (_, index) => `key ${index}`);
      const checkpoints = new Map<number, Offset>();
      const overlaps: number[] = [];
      const readers: Reader[] = [];
      const seen = new Set<string>();
      const reader = () => {
        const made: Reader = new Reader({
          from: (partition) => {
            const owners = readers.filter((other) => other.leases.get(partition)?.valid());
            if (owners.length > 1) overlaps.push(partition);
            return checkpoints.get(partition) ?? null;
          },
          batch: async (partition, records) => {
            await new Promise((resolve) => setImmediate(resolve));
            if (made.leases.get(partition)?.valid() !== true) return;
            for (const record of records) seen.add(`${record.key} ${textOf(record)}`);
            checkpoints.set(partition, records.at(-1)?.offset as Offset);
          },
        });
        readers.push(made);
        return made;
      };
      const publish = (round: number) =>
        adapter.publish(
          topic,
          keys.map((key) => item(key, round)),
        );
      const first = await join(adapter, topic, reader());
      await publish(0);
      await join(adapter, topic, reader());
      await publish(1);
      await until("two rounds", () => seen.size === 60, patienceMs);
      await publish(2);
      await first.stop();
      await publish(3);
      await until("four rounds", () => seen.size === 120, patienceMs);
      assert.deepEqual(overlaps, []);
      for (const one of readers) one.assertSound();
    },
  },
  {
    name: "consumers of a group share the partitions",
    needs: ["sharing"],
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const count = adapter.partitions(topic);
      assert.ok(count > 1, "a queue of one partition must declare that it lacks sharing");
      const [one, other] = [new Reader(), new Reader()];
      await join(adapter, topic, one);
      await join(adapter, topic, other);
      const owned = (reader: Reader) =>
        [...reader.leases].filter(([, lease]) => lease.valid()).map(([partition]) => partition);
      await until("both to own some", () => owned(one).length > 0 && owned(other).length > 0, patienceMs);
      await until("all to be owned", () => owned(one).length + owned(other).length === count, patienceMs);
      assert.deepEqual(
        [...owned(one), ...owned(other)].sort((a, b) => a - b),
        Array.from({ length: count }, (_, at) => at),
      );
    },
  },
  {
    name: "a partition that moves in mid-batch goes on from its checkpoint, in order, and nothing is skipped",
    needs: ["sharing"],
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const partitions = Array.from({ length: adapter.partitions(topic) }, (_, partition) => partition);
      const checkpoints = new Map<number, Offset>();
      const taken = partitions.map((): string[] => []);
      let letGo = () => {};
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      const reader = (before: Promise<void>) => {
        const made: Reader = new Reader({
          from: (partition) => checkpoints.get(partition) ?? null,
          batch: async (partition, records) => {
            await before;
            if (made.leases.get(partition)?.valid() !== true) return;
            taken[partition]?.push(...records.map(textOf));
            checkpoints.set(partition, records.at(-1)?.offset as Offset);
          },
        });
        return made;
      };
      const publish = (round: number) =>
        adapter.publish(
          topic,
          partitions.map((partition) => ({ ...item("key", round), partition })),
        );
      const [slow, other] = [reader(held), reader(Promise.resolve())];
      await join(adapter, topic, slow);
      await publish(0);
      await arrived(slow, partitions.length, patienceMs);
      const joining = join(adapter, topic, other);
      const isMoving = () => [...slow.leases.values()].some((lease) => !lease.valid());
      await until("a lease to end while its batch is open", isMoving, patienceMs);
      letGo();
      await joining;
      await publish(1);
      await until("all to be taken", () => taken.every((values) => values.length === 2), patienceMs);
      assert.deepEqual(
        taken,
        partitions.map(() => ["0", "1"]),
      );
      for (const one of [slow, other]) one.assertSound();
      assert.ok(other.records().length > 0, "the other got nothing");
    },
  },
];
