import assert from "node:assert/strict";
import type { MailboxRow, Storage, Write } from "../../ports/storage.js";
import { assertSame, type StorageClause, someone, text, whileWriting } from "./subject.js";

/** As real positions are: microseconds since 1970. */
const BASE = 1_760_000_000_000_000;
const EVERYTHING = Number.MAX_SAFE_INTEGER;

function rows(...positions: number[]): MailboxRow[] {
  return positions.map((position) => ({ position: BASE + position, value: text(`copy ${position}`) }));
}

function put(user: string, ...positions: number[]): Write {
  return { kind: "mailbox", user, rows: rows(...positions), expires_at: null };
}

function trim(user: string, position: number): Write {
  return { kind: "trim", user, position: BASE + position };
}

function read(storage: Storage, user: string): Promise<MailboxRow[]> {
  return storage.mailbox(user, 0, EVERYTHING, 1_000);
}

export const mailboxClauses: readonly StorageClause[] = [
  {
    name: "a mailbox comes in ascending order, after one position and up to another, at most so many",
    async check({ adapter }) {
      const user = someone();
      await adapter.write([put(user, 40, 50)]);
      await adapter.write([put(user, 10, 20), put(user, 30)]);
      assertSame(await read(adapter, user), rows(10, 20, 30, 40, 50), "rows may land in any order");
      assertSame(await adapter.mailbox(user, BASE + 20, BASE + 40, 9), rows(30, 40), "after is outside, upTo inside");
      assertSame(await adapter.mailbox(user, BASE + 10, EVERYTHING, 2), rows(20, 30));
      assertSame(await adapter.mailbox(user, BASE + 50, EVERYTHING, 9), []);
      assertSame(await adapter.mailbox(someone(), 0, EVERYTHING, 9), []);
    },
  },
  {
    name: "every page of a mailbox is met once, in whatever order its rows landed",
    async check({ adapter }) {
      const user = someone();
      const positions = Array.from({ length: 300 }, (_, index) => index + 1);
      // Far apart and close together, each row twice, the later ones first.
      const apart = (position: number) => position * 3_600_000_000 + (position % 7);
      const backwards = positions.toReversed().map(apart);
      for (let from = 0; from < backwards.length; from += 40) {
        await adapter.write([put(user, ...backwards.slice(from, from + 50))]);
      }
      const met: MailboxRow[] = [];
      for (let after = 0; ; after = met.at(-1)?.position ?? 0) {
        const page = await adapter.mailbox(user, after, EVERYTHING, 32);
        met.push(...page);
        if (page.length < 32) break;
      }
      assertSame(met, rows(...positions.map(apart)));
    },
  },
  {
    name: "a repeated mailbox row is there once",
    async check({ adapter }) {
      const user = someone();
      for (let times = 0; times < 3; times++) await adapter.write([put(user, 1, 2)]);
      assertSame(await read(adapter, user), rows(1, 2));
    },
  },
  {
    name: "one user's mailbox is not touched by what happens to another's whose name is alike",
    async check({ adapter }) {
      const name = someone("u");
      const users = [name, `${name}a`, `${name}é`, `${name}${"x".repeat(128 - name.length)}`, "ü"];
      await adapter.write(users.map((user) => put(user, 1, 2)));
      await adapter.write([trim(name, 2)]);
      assertSame(await read(adapter, name), []);
      for (const user of users.slice(1)) assertSame(await read(adapter, user), rows(1, 2), user);
    },
  },
  {
    name: "what was trimmed is forgotten, up to the position itself",
    async check({ adapter }) {
      const user = someone();
      await adapter.write([put(user, 1, 2, 3, 4)]);
      await adapter.write([trim(user, 2)]);
      assertSame(await read(adapter, user), rows(3, 4));
      await adapter.write([trim(user, 9)]);
      assertSame(await read(adapter, user), []);
    },
  },
  {
    name: "a trim never goes back",
    async check({ adapter }) {
      const user = someone();
      await adapter.write([trim(user, 5)]);
      await adapter.write([trim(user, 2)]);
      await adapter.write([put(user, 1, 2, 3, 4, 5, 6)]);
      assertSame(await read(adapter, user), rows(6));
    },
  },
  {
    name: "rows that land after the trim that covers them stay out",
    async check({ adapter }) {
      const user = someone();
      await adapter.write([trim(user, 5)]);
      await adapter.write([put(user, 4, 5, 6)]);
      assertSame(await read(adapter, user), rows(6), "into a mailbox that had no row yet");
      await adapter.write([trim(user, 6)]);
      await adapter.write([put(user, 4, 5, 6, 7)]);
      assertSame(await read(adapter, user), rows(7));
    },
  },
  {
    name: "a trim and rows of one call come to the same in either order",
    async check({ adapter }) {
      for (const turned of [false, true]) {
        const user = someone();
        await adapter.write([put(user, 1, 2)]);
        const writes = [put(user, 3, 4), trim(user, 3)];
        await adapter.write(turned ? writes.reverse() : writes);
        assertSame(await read(adapter, user), rows(4));
      }
    },
  },
  {
    name: "the rows of one write become visible together [R3 b]",
    async check({ adapter }) {
      const user = someone();
      const all = Array.from({ length: 500 }, (_, index) => index + 1);
      await whileWriting(adapter.write([put(user, ...all)]), async () => {
        const seen = await read(adapter, user);
        assert.ok(seen.length === 0 || seen.length === all.length, `a reader saw ${seen.length} of ${all.length} rows`);
      });
      assertSame(await read(adapter, user), rows(...all));
    },
  },
  {
    name: "a mailbox of which 100,000 rows were trimmed reads and fills on",
    async check({ adapter }) {
      const user = someone();
      for (let from = 0; from < 100_000; from += 10_000) {
        await adapter.write([put(user, ...Array.from({ length: 10_000 }, (_, index) => from + index + 1))]);
      }
      await adapter.write([trim(user, 99_998)]);
      assertSame(await adapter.mailbox(user, 0, EVERYTHING, 10), rows(99_999, 100_000));
      await adapter.write([put(user, 17, 100_001), trim(user, 99_999)]);
      assertSame(await adapter.mailbox(user, 0, EVERYTHING, 10), rows(100_000, 100_001));
    },
  },
];
