import { memory } from "sentseen/memory";
import type { Consumer, Queue, QueueRecord } from "sentseen/ports";
import { queueContract } from "sentseen/testing";
import { describe, expect, test } from "vitest";
import { failures } from "./contract-failures.js";

/** Each breaks one promise of the port; the name says which. */
const DEFECTS: Record<string, (sound: Queue) => Partial<Queue>> = {
  "reorders items of a key": (sound) => ({
    publish: (topic, items) => sound.publish(topic, [...items].reverse()),
  }),
  "lets calls overtake each other": (sound) => {
    let call = 0;
    return {
      publish: async (topic, items) => {
        if (call++ % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        await sound.publish(topic, items);
      },
    };
  },
  "loses the last item of a call": (sound) => ({
    publish: (topic, items) => sound.publish(topic, items.length > 1 ? items.slice(0, -1) : items),
  }),
  "hands out the next batch while one is open": (sound) =>
    consuming(sound, (consumer) => ({
      batch: (partition, records) => {
        void (async () => consumer.batch(partition, records))().catch(() => {});
      },
    })),
  "goes on after a rejected batch as if it had been taken": (sound) =>
    consuming(sound, (consumer) => ({
      batch: async (partition, records) => {
        try {
          await consumer.batch(partition, records);
        } catch {
          // Lost.
        }
      },
    })),
  "hands a rejected batch out again without asking for the checkpoint": (sound) =>
    consuming(sound, (consumer) => ({
      batch: async (partition, records) => {
        for (;;) {
          try {
            return await consumer.batch(partition, records);
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        }
      },
    })),
  "counts the record at an offset among those beyond it": (sound) => ({
    recordsAfter: async (topic, partition, offset) => await sound.recordsAfter(topic, partition, offset - 1),
  }),
  "ignores the partition that an item names": (sound) => ({
    publish: (topic, items) =>
      sound.publish(
        topic,
        items.map(({ partition: _, ...item }) => item),
      ),
  }),
  "hands out leases that never end": (sound) =>
    consuming(sound, (consumer) => ({
      assigned: (partition) => consumer.assigned(partition, { valid: () => true }, 0),
    })),
  "starts from the beginning whatever the checkpoint": (sound) =>
    consuming(sound, (consumer) => ({
      assigned: async (partition, lease) => {
        await consumer.assigned(partition, lease, 0);
        return null;
      },
    })),
  "hands out the record of the checkpoint again": (sound) =>
    consuming(sound, (consumer) => ({
      assigned: async (partition, lease) => {
        const checkpoint = await consumer.assigned(partition, lease, 0);
        return checkpoint === null ? null : checkpoint - 1;
      },
    })),
  "never calls revoked": (sound) => consuming(sound, () => ({ revoked: async () => {} })),
  "gives every consumer of a group all partitions": (sound) => {
    let alone = 0;
    return { consume: (topic, group, consumer) => sound.consume(topic, `${group} ${alone++}`, consumer) };
  },
  "lets groups steal from each other": (sound) => ({
    consume: (topic, _, consumer) => sound.consume(topic, "all", consumer),
  }),
  "mixes topics": (sound) => ({
    consume: (topic, group, consumer) => sound.consume(topic.slice(0, 42), group, consumer),
  }),
  "trims what was not committed": (sound) => ({
    consume: async (topic, group, consumer) => {
      const consumption = await sound.consume(topic, group, consumer);
      return { ...consumption, commit: (partition, offset) => consumption.commit(partition, offset + 1) };
    },
  }),
  "gives an offset twice": (sound) => {
    let last = 0;
    return consuming(sound, (consumer) => ({
      batch: (partition, records) =>
        consumer.batch(
          partition,
          records.map((record) => {
            last = Math.max(last, record.offset - (record.offset % 2));
            return { ...record, offset: last };
          }),
        ),
    }));
  },
  "hands on another form than the publisher's own": (sound) =>
    consuming(sound, (consumer) => ({
      batch: (partition, records) =>
        consumer.batch(
          partition,
          records.map((record) => ({ ...record, decoded: {} })),
        ),
    })),
  "hands out views of memory that its publishers use again": (sound) => {
    const views = new Map<string, Uint8Array>();
    return {
      ...consuming(sound, (consumer) => ({
        batch: (partition, records) =>
          consumer.batch(
            partition,
            records.map((record) => viewed(record, views)),
          ),
      })),
      publish: async (topic, items) => {
        for (const { key, value } of items) views.set(`${key} ${value.length}`, value);
        await sound.publish(topic, items);
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
    };
  },
  "tells a head that is ahead of its records": (sound) => ({
    head: async (topic, partition) => ((await sound.head(topic, partition)) ?? 0) + 1,
  }),
  "takes in items after it was closed": (sound) => {
    let closed = false;
    return {
      close: async () => {
        closed = true;
        await sound.close();
      },
      publish: async (topic, items) => {
        if (!closed) await sound.publish(topic, items);
      },
    };
  },
  "forgets everything when it is closed": () => ({}),
  "begins its offsets anew when it was wiped": (sound) => {
    let first: number | null = null;
    return consuming(sound, (consumer) => ({
      batch: (partition, records) => {
        const begin: number = first ?? (records[0]?.offset as number);
        first = begin;
        const renumbered = records.map((record) => ({ ...record, offset: record.offset - begin }));
        return consumer.batch(partition, renumbered);
      },
    }));
  },
};

function consuming(sound: Queue, change: (consumer: Consumer) => Partial<Consumer>): Partial<Queue> {
  return {
    consume: (topic, group, consumer) =>
      sound.consume(topic, group, {
        assigned: (partition, lease) => consumer.assigned(partition, lease, 0),
        batch: (partition, records) => consumer.batch(partition, records),
        revoked: (partition) => consumer.revoked(partition),
        ...change(consumer),
      }),
  };
}

/** The record as one sees it who kept the publisher's memory and not a copy. */
function viewed(record: QueueRecord, views: ReadonlyMap<string, Uint8Array>): QueueRecord {
  return { ...record, value: views.get(`${record.key} ${record.value.length}`) ?? record.value };
}

function suite(name: string, defect: (sound: Queue) => Partial<Queue>, partitions: number) {
  const forgetful = name.startsWith("forgets everything");
  return failures((declare) =>
    queueContract(
      declare,
      async () => {
        const options = { partitions, batch: 16 };
        let { queue } = memory(options);
        await queue.open();
        const fake = (): Queue => ({ ...bound(queue), ...defect(queue) });
        const anew = async () => {
          await queue.close();
          queue = memory(options).queue;
          await queue.open();
          return fake();
        };
        return {
          adapter: fake(),
          restart: async () => {
            if (forgetful) return anew();
            await queue.close();
            await queue.open();
            return fake();
          },
          wipe: anew,
          end: () => queue.close(),
        };
      },
      { patienceMs: 1_000, lacks: partitions === 1 ? { sharing: "one partition" } : {} },
    ),
  );
}

/** The methods of an object, so that a copy of them works without it. */
function bound(queue: Queue): Queue {
  return {
    contract: queue.contract,
    scope: queue.scope,
    durable: queue.durable,
    embedded: queue.embedded,
    open: () => queue.open(),
    close: () => queue.close(),
    partitions: (topic) => queue.partitions(topic),
    publish: (topic, items) => queue.publish(topic, items),
    consume: (topic, group, consumer) => queue.consume(topic, group, consumer),
    head: (topic, partition) => queue.head(topic, partition),
    recordsAfter: (topic, partition, offset) => queue.recordsAfter(topic, partition, offset),
  };
}

describe("the queue contract tells a broken queue from a sound one", () => {
  test.each([1, 3])("a sound one of %i partitions passes", async (partitions) => {
    expect(await suite("sound", () => ({}), partitions)).toEqual([]);
  });

  test.each(Object.entries(DEFECTS))("one that %s fails", async (name, defect) => {
    expect(await suite(name, defect, 1)).not.toEqual([]);
  });

  test("one that has partitions and gives them all to one consumer fails", async () => {
    const greedy = (sound: Queue): Partial<Queue> => {
      const taken = new Set<string>();
      return {
        consume: async (topic, group, consumer) => {
          if (taken.has(topic)) return { commit: async () => {}, stop: async () => {} };
          taken.add(topic);
          return sound.consume(topic, group, consumer);
        },
      };
    };
    expect(await suite("greedy", greedy, 3)).toContain("consumers of a group share the partitions");
  });

  test("one whose last owner may go on while a partition moves fails", async () => {
    const endless = DEFECTS["hands out leases that never end"] as (sound: Queue) => Partial<Queue>;
    expect(await suite("endless", endless, 3)).toContain(
      "a partition that moves in mid-batch goes on from its checkpoint, in order, and nothing is skipped",
    );
  });
});
