import { describe, expect, it } from "vitest";
import type { Write } from "../../src/ports/storage.js";
import { until } from "../../src/testing/until.js";
import { type House, openHouse } from "./support/house.js";
import { DURABLE_LOG, STORES } from "./support/stores.js";

function rowsOf(house: House, user: string) {
  return house.parts.storage.mailbox(user, 0, Number.MAX_SAFE_INTEGER, 100);
}

/** Collects what is written to storage. */
function written() {
  const writes: Write[] = [];
  const aroundStorage = (method: string, args: readonly unknown[], run: () => unknown) => {
    if (method === "write") writes.push(...(args[0] as Write[]));
    return run();
  };
  return { writes, aroundStorage };
}

describe.each(STORES)("a message on $name", (store) => {
  it("waits in storage for each member who is away, and goes once all their devices have it", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const { conversation } = await house.group("alice", ["bob", "carol"]);
    const bob = await house.client("bob");
    await bob.acknowledge();
    await alice.say({ conversation }, "hello");
    await bob.gets("hello");
    await house.settled();
    expect(await rowsOf(house, "carol")).toHaveLength(2);

    const carol = await house.client("carol");
    await Promise.all([bob.acknowledge(), carol.acknowledge(), alice.acknowledge()]);
    for (const user of ["alice", "bob", "carol"]) {
      await until(`${user}'s empty mailbox`, async () => (await rowsOf(house, user)).length === 0);
    }
    const [row] = await house.parts.storage.conversations([conversation]);
    expect(row).not.toBeNull();
    const kept = await house.parts.storage.history(conversation, 0, 100, 100, false);
    expect(kept).toHaveLength(store.keepsHistory ? 2 : 0);
  });

  it("isn't copied for the sender's only device, which knows it from the acknowledgement", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    await alice.say({ user: "bob" }, "hello");
    await house.settled();
    expect(await rowsOf(house, "alice")).toEqual([]);
    expect(await rowsOf(house, "bob")).toHaveLength(1);
  });
});

describe("rows that are written behind a durable log", () => {
  it("are never written for what every device acknowledged before", async () => {
    const { writes, aroundStorage } = written();
    const house = await openHouse({ store: DURABLE_LOG, flushMs: 10_000, aroundStorage });
    const alice = await house.client("alice");
    const phone = await house.client("bob");
    const laptop = await house.client("bob");
    for (let i = 0; i < 50; i++) await alice.say({ user: "bob" }, `text ${i}`);
    for (const device of [phone, laptop]) {
      await device.gets("text 49");
      await device.acknowledge();
    }
    await until("an empty memory", () => house.server.stats().pending_entries === 0);
    await house.server.close();
    expect(writes.filter(({ kind }) => kind === "mailbox")).toEqual([]);
    expect(writes.some(({ kind }) => kind === "checkpoint")).toBe(true);
  });

  it("are written for what some device lacks, from where it lacks it", async () => {
    const { writes, aroundStorage } = written();
    const house = await openHouse({ store: DURABLE_LOG, flushMs: 10_000, aroundStorage });
    const alice = await house.client("alice");
    const phone = await house.client("bob");
    await house.client("bob");
    for (const text of ["one", "two", "three"]) await alice.say({ user: "bob" }, text);
    await phone.gets("three");
    await phone.acknowledge();
    await house.server.close();
    const rows = writes.flatMap((write) => (write.kind === "mailbox" && write.user === "bob" ? write.rows : []));
    expect(rows).toHaveLength(3);
  });
});
