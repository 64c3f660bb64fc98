import assert from "node:assert/strict";
import type { MailboxRow, Storage, Write } from "../../ports/storage.js";
import { type Chance, chance } from "../chance.js";
import { assertSame, type StorageClause, someId, someone, text, whileWriting } from "./subject.js";

const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** A small world in which many writes meet at the same rows. */
interface World {
  readonly users: readonly string[];
  readonly conversations: readonly string[];
  readonly devices: readonly string[];
  readonly topic: string;
}

function world(): World {
  return {
    users: [someone("a"), someone("b"), someone("c")],
    conversations: [someId(), someId(), someId()].sort(),
    devices: [someId(), someId()].sort(),
    topic: someone("topic"),
  };
}

/** What a record of that offset leads to: the same each time, as in a replay of the log. [R2] */
function writesOf(offset: number, { users, conversations, devices, topic }: World, luck: Chance): Write[] {
  const user = luck.pick(users);
  const conversation = luck.pick(conversations);
  const device = luck.pick(devices);
  const value = text(`made by ${offset}`);
  const expires_at = null;
  const copies: MailboxRow[] = [{ position: offset, value }];
  return luck.shuffle<Write>([
    { kind: "history", conversation, seq: 1 + luck.int(8), value, offset, expires_at },
    { kind: "mailbox", user, rows: copies, expires_at },
    { kind: "trim", user: luck.pick(users), position: Math.max(0, offset - 1 - luck.int(40)) },
    { kind: "device_state", partition: luck.int(2), user, device, value, offset },
    luck.int(2) === 0
      ? { kind: "conversation", conversation, value, offset, joined: [user], left: [] }
      : { kind: "conversation", conversation, value, offset, joined: [], left: [user] },
    { kind: "receipt", conversation, user, delivered: 50 + luck.int(50), read: luck.int(50) },
    { kind: "device", user, device, position: luck.int(1_000), seen_at: offset, value, expires_at },
    { kind: "checkpoint", topic, partition: luck.int(2), offset, value: text(String(offset)) },
  ]);
}

async function everything(storage: Storage, { users, conversations, devices, topic }: World): Promise<unknown> {
  const keys = users.flatMap((user) =>
    devices.flatMap((device) => [0, 1].map((partition) => ({ partition, user, device }))),
  );
  const sorted = <Row extends object>(rows: readonly Row[], name: keyof Row) =>
    [...rows].sort((one, other) => (one[name] < other[name] ? -1 : 1));
  return {
    history: await Promise.all(conversations.map((id) => storage.history(id, 0, EVERYTHING, 1_000, false))),
    mailboxes: await Promise.all(users.map((user) => storage.mailbox(user, 0, EVERYTHING, 1_000))),
    conversations: await storage.conversations(conversations),
    members: await Promise.all(users.map((user) => storage.conversationsOf(user, null, 1_000))),
    deviceStates: await storage.deviceStates(keys),
    receipts: (await storage.receipts(conversations)).map((rows) => sorted(rows, "user")),
    devices: await Promise.all(users.map(async (user) => sorted(await storage.devices(user), "device"))),
    checkpoints: await Promise.all([0, 1].map((partition) => storage.checkpoint(topic, partition))),
  };
}

export const batchClauses: readonly StorageClause[] = [
  {
    name: "writes that are repeated, come late, in another order or cut in other calls leave the same rows [R2]",
    async check({ adapter }) {
      for (let seed = 1; seed <= 5; seed++) {
        const luck = chance(seed);
        const there = world();
        const records = Array.from({ length: 60 }, (_, index) => writesOf(100 + index, there, luck));
        for (const writes of records) await adapter.write(writes);
        const writes = records.flat();
        const inOrder = await everything(adapter, there);
        await adapter.write(luck.shuffle(writes));
        assertSame(await everything(adapter, there), inOrder, `all of them again at once, seed ${seed}`);
        const other = world();
        const rename = renamer(there, other);
        const again = luck.shuffle([...writes, ...writes.slice(0, 100)]).map(rename);
        for (let from = 0; from < again.length; ) {
          const to = from + 1 + luck.int(60);
          await adapter.write(again.slice(from, to));
          from = to;
        }
        assertSame(rename(inOrder), await everything(adapter, other), `in another order elsewhere, seed ${seed}`);
      }
    },
  },
  {
    name: "calls that overlap all land",
    async check({ adapter }) {
      const user = someone();
      const value = text("copy");
      await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          adapter.write([{ kind: "mailbox", user, rows: [{ position: index + 1, value }], expires_at: null }]),
        ),
      );
      const found = await adapter.mailbox(user, 0, EVERYTHING, 1_000);
      assert.deepEqual(
        found.map((row) => row.position),
        Array.from({ length: 200 }, (_, index) => index + 1),
      );
    },
  },
  {
    name: "a large call lands as a whole",
    async check({ adapter }) {
      const ids = [someId(), someId()];
      const value = text("x".repeat(300));
      await adapter.write(
        ids.flatMap((conversation) =>
          Array.from({ length: 3_000 }, (_, index): Write => {
            return { kind: "history", conversation, seq: index + 1, value, offset: index + 1, expires_at: null };
          }),
        ),
      );
      for (const id of ids) assert.equal((await adapter.history(id, 0, EVERYTHING, 10_000, false)).length, 3_000);
    },
  },
  {
    name: "where calls are atomic, a checkpoint is never seen without the rows of its call",
    needs: ["atomicity"],
    async check({ adapter }) {
      assert.ok(adapter.atomic, "a storage that is not atomic must declare that it lacks atomicity");
      const [user, topic] = [someone(), someone("topic")];
      for (let round = 1; round <= 20; round++) {
        const rows = Array.from({ length: 50 }, (_, index) => ({ position: round * 100 + index, value: text("copy") }));
        const writing = adapter.write([
          { kind: "checkpoint", topic, partition: 0, offset: round, value: text(String(round)) },
          { kind: "mailbox", user, rows, expires_at: null },
        ]);
        await whileWriting(writing, async () => {
          const reached = (await adapter.checkpoint(topic, 0))?.offset ?? 0;
          const kept = (await adapter.mailbox(user, 0, EVERYTHING, 10_000)).length;
          assert.ok(kept >= reached * 50, `the checkpoint is at ${reached} with ${kept} rows`);
        });
      }
    },
  },
  {
    name: "an empty call does nothing",
    async check({ adapter }) {
      await adapter.write([]);
      await adapter.write([{ kind: "mailbox", user: someone(), rows: [], expires_at: null }]);
    },
  },
  {
    name: "what a resolved call wrote is there after a restart, and what was trimmed or removed is not",
    needs: ["durability"],
    async check({ adapter, restart }) {
      assert.ok(restart, "a fixture without restart must declare that it lacks durability");
      const there = world();
      const luck = chance(7);
      for (let offset = 100; offset < 160; offset++) await adapter.write(writesOf(offset, there, luck));
      await adapter.write([
        { kind: "device_removed", user: there.users[0] as string, device: there.devices[0] as string },
      ]);
      const before = await everything(adapter, there);
      const storage = await restart();
      assertSame(await everything(storage, there), before);
      const user = there.users[0] as string;
      await storage.write([{ kind: "trim", user, position: 1_000 }]);
      const later = await restart();
      const late: MailboxRow[] = [{ position: 999, value: text("late") }];
      await later.write([{ kind: "mailbox", user, rows: late, expires_at: null }]);
      assertSame(await later.mailbox(user, 0, EVERYTHING, 10), [], "a trim is remembered over a restart");
    },
  },
  {
    name: "close is idempotent",
    async check({ adapter }) {
      await adapter.close();
      await adapter.close();
    },
  },
];

/** Puts the names of one world in place of those of another, in whatever value. */
function renamer(from: World, to: World): <Value>(value: Value) => Value {
  const names = new Map<unknown, string>();
  const learn = (old: readonly string[], fresh: readonly string[]) => {
    for (const [index, name] of old.entries()) names.set(name, fresh[index] as string);
  };
  learn(from.users, to.users);
  learn(from.conversations, to.conversations);
  learn(from.devices, to.devices);
  names.set(from.topic, to.topic);
  const rename = (value: unknown): unknown => {
    const name = names.get(value);
    if (name !== undefined) return name;
    if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(rename);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rename(inner)]));
  };
  return rename as <Value>(value: Value) => Value;
}
