import assert from "node:assert/strict";
import type { Offset, QueueItem } from "../../ports/queue.js";
import { arrived, item, join, type QueueClause, Reader, someTopic, textOf } from "./subject.js";

const KEYS = Array.from({ length: 10 }, (_, index) => `conversation ${index}`);

export const orderClauses: readonly QueueClause[] = [
  {
    name: "how many records lie beyond an offset is told, whether or not anybody reads them",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const partition = adapter.partitions(topic) - 1;
      const left = (offset: Offset) => adapter.recordsAfter(topic, partition, offset);
      assert.equal(await left(0), 0);
      for (let call = 0; call < 3; call++) {
        const items = Array.from({ length: 5 }, (_, value) => ({ ...item("key", call * 5 + value), partition }));
        await adapter.publish(topic, items);
      }
      assert.equal(await left(0), 15);
      const reader = new Reader();
      const consumption = await join(adapter, topic, reader);
      await arrived(reader, 15, patienceMs);
      const offsets = reader.records().map(({ offset }) => offset);
      for (const [index, offset] of offsets.entries()) assert.equal(await left(offset), 14 - index);
      await consumption.commit(partition, offsets[6] as Offset);
      assert.equal(await left(offsets[6] as Offset), 8);
      assert.equal(await left(offsets[11] as Offset), 3);
    },
  },
  {
    name: "the items of each key arrive in the order in which they were published, though no call was waited for",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      await join(adapter, topic, reader);
      const published: Promise<void>[] = [];
      for (let round = 0; round < 200; round++) {
        published.push(
          adapter.publish(
            topic,
            KEYS.map((key) => item(key, round)),
          ),
        );
        if (round % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(published);
      await arrived(reader, 200 * KEYS.length, patienceMs);
      reader.assertSound();
      for (const key of KEYS) {
        const rounds = reader
          .records()
          .filter((record) => record.key === key)
          .map(textOf);
        assert.deepEqual(
          rounds,
          Array.from({ length: 200 }, (_, round) => String(round)),
          key,
        );
      }
    },
  },
  {
    name: "calls that are waited for one after another keep their order too",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      await join(adapter, topic, reader);
      for (let round = 0; round < 50; round++) await adapter.publish(topic, [item("key", round)]);
      await arrived(reader, 50, patienceMs);
      reader.assertSound();
      assert.deepEqual(
        reader.values(),
        Array.from({ length: 50 }, (_, round) => String(round)),
      );
    },
  },
  {
    name: "all items of a key land in one partition, and every partition is among those that are told",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const count = adapter.partitions(topic);
      assert.ok(Number.isSafeInteger(count) && count >= 1);
      if (adapter.embedded) assert.equal(count, 1, "an embedded queue has a single partition");
      const reader = new Reader();
      await join(adapter, topic, reader);
      for (let round = 0; round < 5; round++)
        await adapter.publish(
          topic,
          KEYS.map((key) => item(key, round)),
        );
      await arrived(reader, 5 * KEYS.length, patienceMs);
      const homes = new Map<string, number>();
      for (let partition = 0; partition < count; partition++) {
        for (const { key } of reader.records(partition)) {
          assert.equal(homes.get(key) ?? partition, partition, `${key} is in two partitions`);
          homes.set(key, partition);
        }
      }
      assert.equal(homes.size, KEYS.length);
    },
  },
  {
    name: "an item that names a partition goes there, whatever its key, and none may name one that isn't",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      await join(adapter, topic, reader);
      const partitions = adapter.partitions(topic);
      const items = Array.from({ length: partitions * 3 }, (_, index) => {
        const partition = index % partitions;
        return { ...item("the same", partition), partition };
      });
      await adapter.publish(topic, items);
      await arrived(reader, items.length, patienceMs);
      reader.assertSound();
      for (const event of reader.events) {
        if (event.type !== "batch") continue;
        for (const record of event.records) assert.equal(textOf(record), String(event.partition));
      }
      await assert.rejects(adapter.publish(topic, [{ ...item("the same", 0), partition: partitions }]), {
        code: "invalid",
      });
    },
  },
  {
    name: "keys and values arrive as they were, whatever bytes they are, and whatever happens to their memory later",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      await join(adapter, topic, reader);
      const values = [
        new Uint8Array(0),
        Uint8Array.from({ length: 256 }, (_, index) => index),
        Uint8Array.from({ length: 65_536 }, (_, index) => (index * 31) & 255),
        new Uint8Array(3).fill(255),
      ];
      const keys = ["k", "clé ключ 鍵", "k".repeat(200), "0b81f0e6-8f0b-4a52-9f7e-0d6b0c6a2c11"];
      // Each value is a view of a larger memory, as those that come from a socket are.
      const memory = values.map((value) => {
        const around = new Uint8Array(value.length + 20).fill(9);
        around.set(value, 10);
        return around;
      });
      await adapter.publish(
        topic,
        values.map((value, index) => ({
          key: keys[index] as string,
          value: (memory[index] as Uint8Array).subarray(10, 10 + value.length),
        })),
      );
      for (const view of memory) view.fill(1);
      await arrived(reader, values.length, patienceMs);
      for (const [index, key] of keys.entries()) {
        const found = reader.records().find((record) => record.key === key);
        assert.deepEqual(new Uint8Array(found?.value ?? []), values[index], `the value of ${key}`);
      }
    },
  },
  {
    name: "a publisher's own form of a value is handed on as it is, or not at all",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const reader = new Reader();
      await join(adapter, topic, reader);
      const forms = [{ form: 0 }, { form: 1 }];
      const items: QueueItem[] = forms.map((decoded, index) => ({ ...item("key", index), decoded }));
      await adapter.publish(topic, [...items, item("key", "without")]);
      await arrived(reader, 3, patienceMs);
      for (const [index, { decoded }] of reader.records().entries()) {
        assert.ok(decoded === undefined || decoded === forms[index], "another form was handed on");
      }
    },
  },
  {
    name: "topics don't mix",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const topics = [topic, `${topic}x`];
      const readers = topics.map(() => new Reader());
      for (const [index, name] of topics.entries()) await join(adapter, name, readers[index] as Reader);
      await Promise.all(topics.map((name) => adapter.publish(name, [item("key", `to ${name}`)])));
      for (const [index, reader] of readers.entries()) {
        await arrived(reader, 1, patienceMs);
        assert.deepEqual(reader.values(), [`to ${topics[index]}`]);
      }
    },
  },
  {
    name: "the head is the last offset that was given, null before the first",
    async check({ adapter, patienceMs }) {
      const topic = someTopic();
      const partitions = Array.from({ length: adapter.partitions(topic) }, (_, partition) => partition);
      for (const partition of partitions) assert.equal(await adapter.head(topic, partition), null);
      const reader = new Reader();
      await join(adapter, topic, reader);
      for (let round = 1; round <= 3; round++) {
        await adapter.publish(
          topic,
          KEYS.map((key) => item(key, round)),
        );
        const heads = await Promise.all(partitions.map((partition) => adapter.head(topic, partition)));
        await arrived(reader, round * KEYS.length, patienceMs);
        for (const partition of partitions) {
          assert.equal(heads[partition], reader.records(partition).at(-1)?.offset ?? null);
        }
      }
    },
  },
  {
    name: "publishing nothing is allowed",
    async check({ adapter }) {
      await adapter.publish(someTopic(), []);
    },
  },
];
