import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Storage, Write } from "sentseen/ports";
import { chance } from "sentseen/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshKeyspace, type Keyspace, opened } from "./keyspace.js";

const EVERYTHING = Number.MAX_SAFE_INTEGER;
const DAY_MS = 86_400_000;
const START = Date.now();
/** As real offsets are: microseconds since 1970. */
const BASE = 1_760_000_000_000_000;

/** What a record of the log is about, in a world so small that many meet at the same rows. */
interface Happening {
  readonly user: number;
  readonly conversation: number;
  readonly device: number;
  readonly seq: number;
  readonly joins: boolean;
  readonly trims: number;
  readonly delivered: number;
  readonly read: number;
  readonly keepDays: number | null;
}

const happening: fc.Arbitrary<Happening> = fc.record({
  user: fc.nat(2),
  conversation: fc.nat(2),
  device: fc.nat(1),
  seq: fc.integer({ min: 1, max: 1_030 }),
  joins: fc.boolean(),
  trims: fc.nat(30),
  delivered: fc.nat(100),
  read: fc.nat(100),
  // Until never, until next month, and until after what the engine can count to.
  keepDays: fc.constantFrom(null, 40, 36_500),
});

interface World {
  readonly users: readonly string[];
  readonly conversations: readonly string[];
  readonly devices: readonly string[];
  readonly topic: string;
}

function world(): World {
  const ids = (count: number) => Array.from({ length: count }, () => randomUUID() as string).sort();
  return { users: ids(3), conversations: ids(3), devices: ids(2), topic: randomUUID() };
}

/** What the record at an offset leads to: the same each time. */
function writesOf(happening: Happening, index: number, there: World): Write[] {
  const offset = BASE + index * 1_000;
  const value = new TextEncoder().encode(`made by ${index}`);
  const expires_at = happening.keepDays === null ? null : START + happening.keepDays * DAY_MS;
  const user = there.users[happening.user] as string;
  const conversation = there.conversations[happening.conversation] as string;
  const device = there.devices[happening.device] as string;
  const { seq, delivered, read } = happening;
  const members = happening.joins ? { joined: [user], left: [] } : { joined: [], left: [user] };
  return [
    { kind: "history", conversation, seq, value, offset, expires_at },
    { kind: "mailbox", user, rows: [{ position: offset, value }], expires_at },
    { kind: "trim", user, position: Math.max(0, offset - 1_000 * (1 + happening.trims)) },
    { kind: "device_state", partition: index % 2, user, device, value, offset },
    { kind: "conversation", conversation, value, offset, ...members },
    { kind: "receipt", conversation, user, delivered, read },
    { kind: "device", user, device, position: offset - happening.trims, seen_at: index, value, expires_at },
    { kind: "checkpoint", topic: there.topic, partition: index % 2, offset, value },
  ];
}

async function everything(storage: Storage, { users, conversations, devices, topic }: World): Promise<unknown> {
  const keys = users.flatMap((user) =>
    devices.flatMap((device) => [0, 1].map((partition) => ({ partition, user, device }))),
  );
  const receipts = await storage.receipts(conversations);
  const rows = await Promise.all(users.map((user) => storage.devices(user)));
  return {
    history: await Promise.all(conversations.map((id) => storage.history(id, 0, EVERYTHING, 1_000, false))),
    backwards: await Promise.all(conversations.map((id) => storage.history(id, 0, EVERYTHING, 5, true))),
    mailboxes: await Promise.all(users.map((user) => storage.mailbox(user, 0, EVERYTHING, 1_000))),
    pages: await Promise.all(users.map((user) => storage.mailbox(user, BASE, BASE + 30_000, 3))),
    conversations: await storage.conversations(conversations),
    members: await Promise.all(users.map((user) => storage.conversationsOf(user, null, 1_000))),
    deviceStates: await storage.deviceStates(keys),
    receipts: receipts.map((there) => there.toSorted((one, other) => (one.user < other.user ? -1 : 1))),
    devices: rows.map((there) => there.toSorted((one, other) => (one.device < other.device ? -1 : 1))),
    checkpoints: await Promise.all([0, 1].map((partition) => storage.checkpoint(topic, partition))),
  };
}

describe("late and repeated writes", () => {
  let inOrder: Keyspace;
  let shuffled: Keyspace;
  let one: Storage;
  /** Nodes whose clocks are days apart, so that the same rows are written into several partitions. */
  let several: Storage[];

  beforeAll(async () => {
    [inOrder, shuffled] = [await freshKeyspace(), await freshKeyspace()];
    one = await opened(inOrder);
    several = await Promise.all(
      [-2 * DAY_MS, 0, DAY_MS].map((ahead) => opened(shuffled, { now: () => Date.now() + ahead })),
    );
  });
  afterAll(async () => {
    await Promise.all([one, ...several].map((storage) => storage.close()));
    await inOrder.drop();
    await shuffled.drop();
  });

  test("of any order, from several nodes whose clocks differ, end in the rows of each write once and in order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 1, maxLength: 30 }), fc.nat(), async (happenings, seed) => {
        const there = world();
        const writes = happenings.flatMap((what, index) => writesOf(what, index, there));
        for (let from = 0; from < writes.length; from += 8) await one.write(writes.slice(from, from + 8));
        const luck = chance(seed);
        const repeated = writes.filter(() => luck.int(2) === 0);
        const order = luck.shuffle([...writes, ...repeated]).map((write) => ({ write, node: luck.int(3) }));
        await Promise.all(
          several.map(async (storage, node) => {
            const mine = order.filter((item) => item.node === node).map((item) => item.write);
            for (let from = 0; from < mine.length; from += 20) await storage.write(mine.slice(from, from + 20));
          }),
        );
        expect(await everything(several[1] as Storage, there)).toEqual(await everything(one, there));
      }),
      { numRuns: 25, interruptAfterTimeLimit: 90_000 },
    );
  }, 120_000);

  test("leave a mailbox row that expires in several partitions until each is gone, and show it once", async () => {
    const user = randomUUID();
    const value = new Uint8Array(1);
    const rows = [1, 2, 3].map((position) => ({ position, value }));
    const expires_at = START + 30 * DAY_MS;
    for (const storage of several) await storage.write([{ kind: "mailbox", user, rows, expires_at }]);
    for (const storage of several) expect(await storage.mailbox(user, 0, EVERYTHING, 9)).toHaveLength(3);
    const found = await shuffled.client.execute(
      `SELECT bucket FROM ${shuffled.name}.mailbox_buckets WHERE user_id = '${user}'`,
    );
    expect(found.rows).toHaveLength(3);
  });
});
