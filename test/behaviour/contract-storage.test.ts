import { memory } from "sentseen/memory";
import type { Storage, Versioned, Write } from "sentseen/ports";
import { storageContract } from "sentseen/testing";
import { describe, expect, test } from "vitest";
import { failures } from "./contract-failures.js";

/** Each breaks one promise of the port; the name says which. */
const DEFECTS: Record<string, (sound: Storage) => Partial<Storage>> = {
  "forgets trims once they are made": (sound) => {
    // After each trim the mailbox goes on under another name, where no trim is in the way of late rows.
    const lives = new Map<string, number>();
    const alias = (user: string) => `${user} ${lives.get(user) ?? 0}`;
    const trim = async (user: string, position: number) => {
      const rows = await sound.mailbox(alias(user), position, Number.MAX_SAFE_INTEGER, 1_000_000);
      lives.set(user, (lives.get(user) ?? 0) + 1);
      await sound.write([{ kind: "mailbox", user: alias(user), rows, expires_at: null }]);
    };
    return {
      write: async (writes) => {
        for (const write of writes) {
          if (write.kind === "trim") await trim(write.user, write.position);
          else await sound.write([write.kind === "mailbox" ? { ...write, user: alias(write.user) } : write]);
        }
      },
      mailbox: (user, after, upTo, limit) => sound.mailbox(alias(user), after, upTo, limit),
    };
  },
  "ignores offsets: the last one that lands wins": (sound) => {
    let newest = 1e15;
    return rewriting(sound, (write) =>
      "offset" in write && write.kind !== "checkpoint" ? { ...write, offset: newest++ } : write,
    );
  },
  "loses the last row of a mailbox write": (sound) =>
    rewriting(sound, (write) => (write.kind === "mailbox" ? { ...write, rows: write.rows.slice(0, -1) } : write)),
  "loses the last write of a call": (sound) => ({ write: (writes) => sound.write(writes.slice(0, -1)) }),
  "shows the rows of a mailbox write one by one": (sound) => ({
    write: async (writes) => {
      for (const write of writes) {
        if (write.kind !== "mailbox") await sound.write([write]);
        else
          for (const row of write.rows) {
            await sound.write([{ ...write, rows: [row] }]);
            await new Promise((resolve) => setImmediate(resolve));
          }
      }
    },
  }),
  "lets a checkpoint be seen before the rows of its call": (sound) => ({
    write: async (writes) => {
      await sound.write(writes.filter((write) => write.kind === "checkpoint"));
      await new Promise((resolve) => setTimeout(resolve, 2));
      await sound.write(writes.filter((write) => write.kind !== "checkpoint"));
    },
  }),
  "lets a checkpoint go back": (sound) => {
    const last = new Map<string, Versioned>();
    return {
      write: async (writes) => {
        await sound.write(writes);
        for (const write of writes) {
          if (write.kind === "checkpoint") last.set(`${write.topic} ${write.partition}`, write);
        }
      },
      checkpoint: async (topic, partition) => last.get(`${topic} ${partition}`) ?? null,
    };
  },
  "overwrites watermarks instead of raising them": (sound) => {
    const last = new Map<string, Extract<Write, { kind: "receipt" }>>();
    return {
      write: async (writes) => {
        await sound.write(writes);
        for (const write of writes) {
          if (write.kind === "receipt") last.set(`${write.conversation} ${write.user}`, write);
        }
      },
      receipts: async (ids) =>
        (await sound.receipts(ids)).map((rows) =>
          rows.map((row) => {
            const { delivered, read } = last.get(`${row.conversation} ${row.user}`) ?? row;
            return { ...row, delivered, read };
          }),
        ),
    };
  },
  "takes upTo as outside": (sound) => ({
    mailbox: (user, after, upTo, limit) => sound.mailbox(user, after, upTo - 1, limit),
  }),
  "answers one page too much of a history": (sound) => ({
    history: (id, after, before, limit, last) => sound.history(id, after, before, limit + 1, last),
  }),
  "answers the first ones of a history for the last ones": (sound) => ({
    history: (id, after, before, limit) => sound.history(id, after, before, limit, false),
  }),
  "looks for history no further than a partition of it reaches": (sound) => ({
    history: (id, after, before, limit, last) =>
      last
        ? sound.history(id, after, before, limit, last)
        : sound.history(id, after, Math.min(before, after + 10_000), limit, last),
  }),
  "answers states in an order of its own": (sound) => ({
    conversations: async (ids) => {
      const sorted = [...ids].sort();
      return sound.conversations(sorted);
    },
  }),
  "forgets the states of a device that is removed only in part": (sound) =>
    rewriting(sound, (write) => (write.kind === "device_removed" ? { ...write, user: `${write.user}?` } : write)),
  "never sweeps": () => ({ sweep: async () => true }),
  "sweeps what has not expired": (sound) => ({ sweep: (now, limit) => sound.sweep(now + 60_000, limit) }),
  "sweeps everything in one go, however little was allowed": (sound) => ({
    sweep: (now) => sound.sweep(now, 1_000_000),
  }),
  "keeps views of its callers' memory": (sound) => {
    const views = new Map<string, Uint8Array>();
    return {
      write: async (writes) => {
        await sound.write(writes);
        for (const write of writes)
          if (write.kind === "history") views.set(`${write.conversation} ${write.seq}`, write.value);
      },
      history: async (id, after, before, limit, last) => {
        const rows = await sound.history(id, after, before, limit, last);
        return rows.map((row) => ({ ...row, value: views.get(`${id} ${row.seq}`) ?? row.value }));
      },
    };
  },
  "forgets everything when it is closed": () => ({}),
};

function rewriting(sound: Storage, change: (write: Write) => Write): Partial<Storage> {
  return { write: (writes) => sound.write(writes.map(change)) };
}

function suite(defect: (sound: Storage) => Partial<Storage>, forgetful = false) {
  return failures((declare) =>
    storageContract(declare, async () => {
      let { storage } = memory();
      await storage.open();
      const fake = () => Object.assign(Object.create(storage), bound(storage), defect(storage)) as Storage;
      return {
        adapter: fake(),
        restart: async () => {
          await storage.close();
          if (forgetful) storage = memory().storage;
          await storage.open();
          return fake();
        },
        end: () => storage.close(),
      };
    }),
  );
}

/** The methods of an object, so that a copy of them works without it. */
function bound(storage: Storage): Storage {
  return {
    contract: storage.contract,
    scope: storage.scope,
    atomic: storage.atomic,
    open: () => storage.open(),
    close: () => storage.close(),
    write: (writes) => storage.write(writes),
    checkpoint: (topic, partition) => storage.checkpoint(topic, partition),
    conversations: (ids) => storage.conversations(ids),
    deviceStates: (keys) => storage.deviceStates(keys),
    mailbox: (user, after, upTo, limit) => storage.mailbox(user, after, upTo, limit),
    history: (id, after, before, limit, last) => storage.history(id, after, before, limit, last),
    conversationsOf: (user, after, limit) => storage.conversationsOf(user, after, limit),
    receipts: (ids) => storage.receipts(ids),
    devices: (user) => storage.devices(user),
    sweep: (now, limit) => storage.sweep(now, limit),
  };
}

describe("the storage contract tells a broken storage from a sound one", () => {
  test("a sound one passes", async () => {
    expect(await suite(() => ({}))).toEqual([]);
  });

  for (const [name, defect] of Object.entries(DEFECTS)) {
    test(`one that ${name} fails`, async () => {
      expect(await suite(defect, name.startsWith("forgets everything"))).not.toEqual([]);
    });
  }

  test("what a storage lacks is named, not passed over", () => {
    const printed: string[] = [];
    const declare = Object.assign(() => {}, { skip: (name: string) => printed.push(name) });
    const make = () => Promise.reject(new Error("no test runs"));
    const { skipped, tests } = storageContract(declare, make, { lacks: { durability: "it is a cache" } });
    expect(skipped.map(({ capability, reason }) => [capability, reason])).toEqual([["durability", "it is a cache"]]);
    expect(printed).toEqual([`${skipped[0]?.test} (lacks durability: it is a cache)`]);
    expect(tests).not.toContain(skipped[0]?.test);
  });
});
