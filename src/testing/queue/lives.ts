import assert from "node:assert/strict";
import { isChatError } from "../../errors.js";
import type { Offset, Queue } from "../../ports/queue.js";
import { arrived, item, join, type QueueClause, Reader, someTopic } from "./subject.js";

async function offsetsOf(queue: Queue, topic: string, count: number, patienceMs: number): Promise<Offset[]> {
  const reader = new Reader();
  const consumption = await join(queue, topic, reader, "looking");
  await arrived(reader, count, patienceMs);
  await consumption.stop();
  return reader.records().map((record) => record.offset);
}

export const lifeClauses: readonly QueueClause[] = [
  {
    name: "what was published is there after a restart, and offsets go on above",
    needs: ["durability"],
    async check({ adapter, restart, patienceMs }) {
      assert.ok(restart, "a fixture without restart must declare that it lacks durability");
      const topic = someTopic();
      await adapter.publish(topic, [item("key", 0), item("key", 1)]);
      const before = await offsetsOf(adapter, topic, 2, patienceMs);
      const queue = await restart();
      assert.equal(
        await queue.head(topic, 0),
        adapter.partitions(topic) === 1 ? before[1] : await queue.head(topic, 0),
      );
      await queue.publish(topic, [item("key", 2)]);
      const after = await offsetsOf(queue, topic, 3, patienceMs);
      assert.deepEqual(after.slice(0, 2), before, "a record keeps its offset");
      assert.ok((after[2] as Offset) > (before[1] as Offset), "an offset came twice");
    },
  },
  {
    name: "what a group had not committed is there for it after a restart",
    needs: ["durability"],
    async check({ adapter, restart, patienceMs }) {
      assert.ok(restart, "a fixture without restart must declare that it lacks durability");
      const topic = someTopic();
      const reader = new Reader();
      const consumption = await join(adapter, topic, reader);
      for (const value of [0, 1, 2]) await adapter.publish(topic, [item("key", value)]);
      await arrived(reader, 3, patienceMs);
      const partition = [...reader.leases.keys()].find((at) => reader.records(at).length === 3) as number;
      await consumption.commit(partition, reader.records()[0]?.offset as Offset);
      const next = new Reader();
      await join(await restart(), topic, next);
      await arrived(next, 2, patienceMs);
      assert.deepEqual(next.values().slice(-2), ["1", "2"]);
    },
  },
  {
    name: "offsets go on above where all records were committed before the restart",
    needs: ["durability"],
    async check({ adapter, restart, patienceMs }) {
      assert.ok(restart, "a fixture without restart must declare that it lacks durability");
      const topic = someTopic();
      const reader = new Reader();
      const consumption = await join(adapter, topic, reader);
      await adapter.publish(topic, [item("key", 0)]);
      await arrived(reader, 1, patienceMs);
      const [record] = reader.records();
      const partition = [...reader.leases.keys()].find((at) => reader.records(at).length === 1) as number;
      await consumption.commit(partition, record?.offset as Offset);
      const queue = await restart();
      const next = new Reader({ from: () => record?.offset ?? null });
      await join(queue, topic, next);
      await queue.publish(topic, [item("key", 1)]);
      await arrived(next, 1, patienceMs);
      assert.deepEqual(next.values(), ["1"]);
    },
  },
  {
    name: "offsets of a queue that was wiped are above those of its last life",
    needs: ["wiping"],
    async check({ adapter, wipe, patienceMs }) {
      assert.ok(wipe, "a fixture without wipe must declare that it lacks wiping");
      const topic = someTopic();
      await adapter.publish(
        topic,
        Array.from({ length: 100 }, (_, value) => item("key", value)),
      );
      const before = await offsetsOf(adapter, topic, 100, patienceMs);
      const queue = await wipe();
      await queue.publish(topic, [item("key", 0)]);
      const [after] = await offsetsOf(queue, topic, 1, patienceMs);
      assert.ok((after as Offset) > (before.at(-1) as Offset), "an offset of the last life came again");
    },
  },
  {
    name: "close ends every consumption and refuses what comes later; it is idempotent",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      await join(adapter, topic, reader);
      await adapter.publish(topic, [item("key", 0)]);
      await arrived(reader, 1, patienceMs);
      await adapter.close();
      await adapter.close();
      for (const lease of reader.leases.values()) assert.equal(lease.valid(), false);
      const refused = await adapter.publish(topic, [item("key", 1)]).then(
        () => null,
        (error: unknown) => error,
      );
      assert.ok(isChatError(refused), "a closed queue must reject with a ChatError");
      assert.deepEqual(reader.values(), ["0"]);
    },
  },
];
