import type { DeviceStateKey, Write } from "../../ports/storage.js";
import { assertSame, type StorageClause, someId, someone, text } from "./subject.js";

function state(key: DeviceStateKey, offset: number): Write {
  return { kind: "device_state", ...key, value: text(`state of ${offset}`), offset };
}

function conversation(id: string, offset: number, joined: string[] = [], left: string[] = []): Write {
  return { kind: "conversation", conversation: id, value: text(`state of ${offset}`), offset, joined, left };
}

function of(offset: number) {
  return { value: text(`state of ${offset}`), offset };
}

const ORDERS = [
  [3, 6, 9],
  [9, 3, 6],
  [6, 9, 3, 9],
];

export const stateClauses: readonly StorageClause[] = [
  {
    name: "the state of a device is that of the greatest offset, in whatever order they land [R2 e]",
    async check({ adapter }) {
      for (const offsets of ORDERS) {
        const key = { partition: 0, user: someone(), device: someId() };
        for (const offset of offsets) await adapter.write([state(key, offset)]);
        assertSame(await adapter.deviceStates([key]), [of(9)]);
      }
    },
  },
  {
    name: "states of devices are answered in the order of the keys, null for what isn't there",
    async check({ adapter }) {
      const user = someone();
      const keys = [0, 1, 2, 300].map((partition) => ({ partition, user, device: someId() }));
      const [zero, one, two, far] = keys as [DeviceStateKey, DeviceStateKey, DeviceStateKey, DeviceStateKey];
      await adapter.write([state(zero, 1), state(two, 2), state(far, 3)]);
      assertSame(await adapter.deviceStates([far, one, zero, two]), [of(3), null, of(1), of(2)]);
      const alike = [
        { ...zero, partition: 1 },
        { ...zero, user: `${user}x` },
        { ...zero, device: someId() },
      ];
      assertSame(await adapter.deviceStates(alike), [null, null, null], "each part of the key counts");
      assertSame(await adapter.deviceStates([]), []);
    },
  },
  {
    name: "the state of a conversation is that of the greatest offset, in whatever order they land [R2 e]",
    async check({ adapter }) {
      for (const offsets of ORDERS) {
        const id = someId();
        for (const offset of offsets) await adapter.write([conversation(id, offset)]);
        assertSame(await adapter.conversations([id]), [of(9)]);
      }
    },
  },
  {
    name: "conversations are answered in the order of the ids, null for what isn't there",
    async check({ adapter }) {
      const [one, two, none] = [someId(), someId(), someId()];
      await adapter.write([conversation(one, 1), conversation(two, 2)]);
      assertSame(await adapter.conversations([two, none, one, two]), [of(2), null, of(1), of(2)]);
      assertSame(await adapter.conversations([]), []);
    },
  },
  {
    name: "a user's conversations are those joined and not left, ascending, after an id, at most so many",
    async check({ adapter }) {
      const [user, other] = [someone(), someone()];
      const ids = Array.from({ length: 25 }, () => someId()).sort();
      await adapter.write(ids.map((id, index) => conversation(id, index + 1, [user, other])));
      assertSame(await adapter.conversationsOf(user, null, 100), ids);
      assertSame(await adapter.conversationsOf(user, null, 10), ids.slice(0, 10));
      assertSame(await adapter.conversationsOf(user, ids[9] as string, 10), ids.slice(10, 20));
      assertSame(await adapter.conversationsOf(user, ids[24] as string, 10), []);
      await adapter.write([conversation(ids[3] as string, 100, [], [user])]);
      assertSame(await adapter.conversationsOf(user, null, 100), ids.toSpliced(3, 1));
      assertSame(await adapter.conversationsOf(other, null, 100), ids, "others stay");
      assertSame(await adapter.conversationsOf(someone(), null, 100), []);
    },
  },
  {
    name: "of joining and leaving the greater offset counts, in whatever order they land",
    async check({ adapter }) {
      const changes = (user: string, id: string) => [
        conversation(id, 10, [user]),
        conversation(id, 20, [], [user]),
        conversation(id, 30, [user]),
        conversation(id, 40, [], [user]),
      ];
      for (const [order, member] of [
        [[0, 1], false],
        [[1, 0], false],
        [[2, 0, 1], true],
        [[1, 2], true],
        [[3, 2, 1, 0, 2], false],
      ] as const) {
        const [user, id] = [someone(), someId()];
        const all = changes(user, id);
        for (const index of order) await adapter.write([all[index] as Write]);
        assertSame(await adapter.conversationsOf(user, null, 9), member ? [id] : [], `in the order ${order}`);
      }
    },
  },
  {
    name: "each row of the index has its own offset: a late state brings in the members that only it names",
    async check({ adapter }) {
      const [early, late, id] = [someone(), someone(), someId()];
      await adapter.write([conversation(id, 20, [late])]);
      await adapter.write([conversation(id, 10, [early])]);
      assertSame(await adapter.conversations([id]), [of(20)]);
      assertSame(await adapter.conversationsOf(early, null, 9), [id]);
      assertSame(await adapter.conversationsOf(late, null, 9), [id]);
    },
  },
  {
    name: "a checkpoint only grows with its value, for each partition of each topic by itself",
    async check({ adapter }) {
      const topic = someone("topic");
      const mark = (name: string, partition: number, offset: number): Write => {
        return { kind: "checkpoint", topic: name, partition, ...of(offset) };
      };
      assertSame(await adapter.checkpoint(topic, 0), null);
      for (const offset of [5, 1_760_000_000_000_000, 7]) await adapter.write([mark(topic, 0, offset)]);
      await adapter.write([mark(topic, 1, 3), mark(`${topic}x`, 0, 4)]);
      assertSame(await adapter.checkpoint(topic, 0), of(1_760_000_000_000_000));
      assertSame(await adapter.checkpoint(topic, 1), of(3));
      assertSame(await adapter.checkpoint(`${topic}x`, 0), of(4));
      assertSame(await adapter.checkpoint(topic, 2), null);
    },
  },
];
