import type { HistoryRow, Write } from "../../ports/storage.js";
import { assertSame, type StorageClause, someId, text } from "./subject.js";

function row(conversation: string, seq: number, offset = seq, value = `entry ${seq}`): Write {
  return { kind: "history", conversation, seq, value: text(value), offset, expires_at: null };
}

function rows(...seqs: number[]): HistoryRow[] {
  return seqs.map((seq) => ({ seq, value: text(`entry ${seq}`) }));
}

export const historyClauses: readonly StorageClause[] = [
  {
    name: "history comes in ascending order, within the bounds asked for, from either end",
    async check({ adapter }) {
      const id = someId();
      await adapter.write([7, 3, 9, 1, 5, 300].map((seq) => row(id, seq)));
      assertSame(await adapter.history(id, 0, 1_000, 100, false), rows(1, 3, 5, 7, 9, 300));
      assertSame(await adapter.history(id, 0, 1_000, 100, true), rows(1, 3, 5, 7, 9, 300));
      assertSame(await adapter.history(id, 3, 9, 100, false), rows(5, 7), "both bounds are outside");
      assertSame(await adapter.history(id, 3, 9, 100, true), rows(5, 7), "both bounds are outside");
      assertSame(await adapter.history(id, 1, 1_000, 2, false), rows(3, 5), "the first ones");
      assertSame(await adapter.history(id, 1, 9, 2, true), rows(5, 7), "the last ones");
      assertSame(await adapter.history(id, 300, 1_000, 9, false), []);
      assertSame(await adapter.history(id, 0, Number.MAX_SAFE_INTEGER, 1, true), rows(300));
    },
  },
  {
    name: "every page of a history is met once, going forwards and backwards",
    async check({ adapter }) {
      const id = someId();
      const seqs = Array.from({ length: 257 }, (_, index) => index + 1);
      await adapter.write(seqs.map((seq) => row(id, seq)));
      const forwards: HistoryRow[] = [];
      for (let after = 0; ; after = forwards.at(-1)?.seq ?? 0) {
        const page = await adapter.history(id, after, 1_000, 10, false);
        forwards.push(...page);
        if (page.length < 10) break;
      }
      assertSame(forwards, rows(...seqs));
      const backwards: HistoryRow[] = [];
      for (let before = 1_000; ; before = backwards[0]?.seq ?? 0) {
        const page = await adapter.history(id, 0, before, 10, true);
        backwards.unshift(...page);
        if (page.length < 10) break;
      }
      assertSame(backwards, rows(...seqs));
    },
  },
  {
    name: "a history with holes of a million entries, as expiry leaves them, is read across them from either end",
    async check({ adapter }) {
      const id = someId();
      const seqs = [1, 2, 1_000_000, 1_000_001, 3_000_000];
      await adapter.write(seqs.map((seq) => row(id, seq)));
      const everything = Number.MAX_SAFE_INTEGER;
      assertSame(await adapter.history(id, 0, everything, 3, false), rows(1, 2, 1_000_000));
      assertSame(await adapter.history(id, 2, everything, 9, false), rows(1_000_000, 1_000_001, 3_000_000));
      assertSame(await adapter.history(id, 0, everything, 2, true), rows(1_000_001, 3_000_000));
      assertSame(await adapter.history(id, 0, 3_000_000, 9, true), rows(1, 2, 1_000_000, 1_000_001));
      assertSame(await adapter.history(id, 2, 1_000_000, 9, false), []);
    },
  },
  {
    name: "the history of one conversation shows nothing of another's",
    async check({ adapter }) {
      const ids = [
        "00000000-0000-5000-8000-000000000000",
        "00000000-0000-5000-8000-000000000001",
        "ffffffff-ffff-5fff-bfff-fffffffffffe",
        "ffffffff-ffff-5fff-bfff-ffffffffffff",
      ];
      await adapter.write(ids.map((id, index) => row(id, 1, 1, `of ${index}`)));
      for (const [index, id] of ids.entries()) {
        assertSame(await adapter.history(id, 0, 9, 9, false), [{ seq: 1, value: text(`of ${index}`) }]);
        assertSame(await adapter.history(id, 0, 9, 9, true), [{ seq: 1, value: text(`of ${index}`) }]);
      }
      assertSame(await adapter.history(someId(), 0, 9, 9, false), []);
    },
  },
  {
    name: "of two versions of a history row that of the greater offset stays, in whatever order they land",
    async check({ adapter }) {
      for (const offsets of [
        [4, 8],
        [8, 4],
      ]) {
        const id = someId();
        for (const offset of offsets) await adapter.write([row(id, 1, offset, `by ${offset}`)]);
        assertSame(await adapter.history(id, 0, 9, 9, false), [{ seq: 1, value: text("by 8") }]);
      }
    },
  },
  {
    name: "a repeated history row changes nothing",
    async check({ adapter }) {
      const id = someId();
      const write = [row(id, 1), row(id, 2)];
      for (let times = 0; times < 3; times++) await adapter.write(write);
      assertSame(await adapter.history(id, 0, 9, 9, false), rows(1, 2));
    },
  },
  {
    name: "values come back byte for byte: none, all 256, and 64 KiB and more",
    async check({ adapter }) {
      const id = someId();
      const values = [
        new Uint8Array(0),
        Uint8Array.from({ length: 256 }, (_, index) => index),
        new Uint8Array(5_000).fill(255),
        Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31) & 255),
      ];
      await adapter.write(
        values.map((value, index): Write => {
          return { kind: "history", conversation: id, seq: index + 1, value, offset: index + 1, expires_at: null };
        }),
      );
      const found = await adapter.history(id, 0, 9, 9, false);
      assertSame(
        found,
        values.map((value, index) => ({ seq: index + 1, value })),
      );
    },
  },
  {
    name: "what was written stays as it was when the caller uses its memory again",
    async check({ adapter }) {
      const id = someId();
      const memory = text("as it was");
      await adapter.write([{ kind: "history", conversation: id, seq: 1, value: memory, offset: 1, expires_at: null }]);
      memory.fill(0);
      assertSame(await adapter.history(id, 0, 9, 9, false), [{ seq: 1, value: text("as it was") }]);
    },
  },
];
