import assert from "node:assert/strict";
import type { Storage, Write } from "../../ports/storage.js";
import { assertSame, type StorageClause, someId, someone, text } from "./subject.js";

const NOW = Date.UTC(2025, 0, 6, 9);
const BEFORE = NOW - 1_000;
const LATER = NOW + 1_000;
const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** Sweeps to the end and answers in how many calls. */
async function sweep(storage: Storage, limit: number): Promise<number> {
  for (let calls = 1; calls < 1_000; calls++) {
    if (await storage.sweep(NOW, limit)) return calls;
  }
  return assert.fail("sweep never came to an end");
}

function copy(user: string, position: number, expires_at: number | null): Write {
  return { kind: "mailbox", user, rows: [{ position, value: text(`copy ${position}`) }], expires_at };
}

function entry(conversation: string, seq: number, expires_at: number | null): Write {
  return { kind: "history", conversation, seq, value: text(`entry ${seq}`), offset: seq, expires_at };
}

async function positions(storage: Storage, user: string): Promise<number[]> {
  return (await storage.mailbox(user, 0, EVERYTHING, 10_000)).map((row) => row.position);
}

async function seqs(storage: Storage, id: string): Promise<number[]> {
  return (await storage.history(id, 0, EVERYTHING, 10_000, false)).map((row) => row.seq);
}

export const sweepClauses: readonly StorageClause[] = [
  {
    name: "a sweep drops what has expired and nothing else",
    needs: ["sweeping"],
    async check({ adapter }) {
      const [user, id] = [someone(), someId()];
      const stays: Write = {
        kind: "device",
        user,
        device: someId(),
        position: 1,
        seen_at: 1,
        value: text("phone"),
        expires_at: LATER,
      };
      await adapter.write([
        copy(user, 1, BEFORE),
        copy(user, 2, null),
        copy(user, 3, LATER),
        copy(user, 4, BEFORE),
        entry(id, 1, BEFORE),
        entry(id, 2, null),
        entry(id, 3, LATER),
        entry(id, 4, BEFORE),
        stays,
        { ...stays, device: someId(), expires_at: BEFORE },
        { ...stays, user: someone(), expires_at: null },
      ]);
      await sweep(adapter, 1_000);
      assert.deepEqual(await positions(adapter, user), [2, 3]);
      assert.deepEqual(await seqs(adapter, id), [2, 3]);
      assert.deepEqual(
        (await adapter.devices(user)).map((row) => row.device),
        [stays.device],
      );
    },
  },
  {
    name: "a sweep comes to its end in slices of about the limit",
    needs: ["sweeping"],
    async check({ adapter }) {
      const users = [someone(), someone(), someone()];
      const id = someId();
      const many = Array.from({ length: 100 }, (_, index) => index + 1);
      const expiry = (position: number) => (position % 2 === 0 ? BEFORE : null);
      await adapter.write([
        ...users.flatMap((user) => many.map((position) => copy(user, position, expiry(position)))),
        ...many.map((seq) => entry(id, seq, expiry(seq))),
      ]);
      const calls = await sweep(adapter, 20);
      assert.ok(calls >= 4, `400 rows were swept in ${calls} slices of 20`);
      const odd = many.filter((position) => position % 2 === 1);
      for (const user of users) assert.deepEqual(await positions(adapter, user), odd);
      assert.deepEqual(await seqs(adapter, id), odd);
    },
  },
  {
    name: "a sweep between whose slices rows come and go still finds what had expired before it began",
    needs: ["sweeping"],
    async check({ adapter }) {
      const users = [someone("a"), someone("b"), someone("c")] as const;
      await adapter.write(users.flatMap((user) => [1, 2, 3, 4, 5].map((position) => copy(user, position, BEFORE))));
      let done = false;
      for (let slice = 0; !done && slice < 500; slice++) {
        done = await adapter.sweep(NOW, 2);
        const user = users[slice % users.length] as string;
        await adapter.write([copy(user, 1_000 + slice, null), { kind: "trim", user: users[0], position: slice % 5 }]);
      }
      assert.ok(done, "sweep never came to an end");
      await sweep(adapter, 100);
      for (const user of users) {
        const left = await positions(adapter, user);
        assert.deepEqual(
          left.filter((position) => position < 1_000),
          [],
        );
      }
    },
  },
  {
    name: "of two versions of a row the expiry of the one that stays counts",
    needs: ["sweeping"],
    async check({ adapter }) {
      const [one, two, user, device] = [someId(), someId(), someone(), someId()];
      const seen = (seen_at: number, expires_at: number): Write => {
        return { kind: "device", user, device, position: 1, seen_at, value: text("phone"), expires_at };
      };
      await adapter.write([{ ...entry(one, 1, BEFORE), offset: 1 } as Write]);
      await adapter.write([{ ...entry(one, 1, LATER), offset: 2 } as Write]);
      await adapter.write([{ ...entry(two, 1, LATER), offset: 2 } as Write]);
      await adapter.write([{ ...entry(two, 1, BEFORE), offset: 1 } as Write]);
      await adapter.write([seen(2, LATER)]);
      await adapter.write([seen(1, BEFORE)]);
      await sweep(adapter, 1_000);
      assert.deepEqual(await seqs(adapter, one), [1]);
      assert.deepEqual(await seqs(adapter, two), [1]);
      assertSame(await adapter.devices(user), [{ user, device, position: 1, seen_at: 2, value: text("phone") }]);
    },
  },
];
