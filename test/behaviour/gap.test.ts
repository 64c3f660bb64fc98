import { newId } from "sentseen";
import { memory } from "sentseen/memory";
import { describe, expect, it } from "vitest";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";

describe.each(STORES)("a device that can't be continued at its position, on $name, is told of the gap", (store) => {
  it("when it gives a position and the server doesn't know it", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const { position = 0 } = await alice.next("synced");
    await alice.say({ user: "bob" }, "hello");
    const bob = await house.client({ user: "bob", position });
    expect((await bob.next("welcome")).gap).toBe(true);
    expect(bob.texts).toEqual(["hello"]);
  });

  it("when the position is from another life of the store", async () => {
    const before = await openHouse({ store });
    const alice = await before.client("alice");
    const bob = await before.client("bob");
    await alice.say({ user: "bob" }, "hello");
    await bob.gets("hello");

    const after = await openHouse({ store });
    const again = await after.client({ user: "bob", device: bob.device, position: bob.position });
    expect((await again.next("welcome")).gap).toBe(true);
    await (await after.client("alice")).say({ user: "bob" }, "hello again");
    await again.gets("hello again");
    expect(again.texts).toEqual(["hello again"]);
  });

  it("when it acknowledged more than it has now", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    for (const text of ["one", "two", "three"]) await alice.say({ user: "bob" }, text);
    await bob.gets("three");
    await bob.acknowledge();
    const position = (bob.all("message")[0] as { position: number }).position;
    await bob.leave();
    await alice.say({ user: "bob" }, "four");
    const restored = await house.client({ user: "bob", device: bob.device, position });
    expect((await restored.next("welcome")).gap).toBe(true);
    expect(restored.texts).toEqual(["four"]);
  });

  it("and once only: it goes on from there", async () => {
    const house = await openHouse({ store });
    const device = newId();
    const first = await house.client({ user: "bob", device, position: 5 });
    expect((await first.next("welcome")).gap).toBe(true);
    const { position } = await first.next("synced");
    await first.leave();
    const second = await house.client({ user: "bob", device, position });
    expect((await second.next("welcome")).gap).toBe(false);
  });
});

describe.each(STORES)("positions on $name", (store) => {
  it("grow across restarts", async () => {
    const house = await openHouse({ store });
    let last = 0;
    for (let life = 0; life < 3; life++) {
      const [alice, bob] = [await house.client("alice"), await house.client("bob")];
      await alice.say({ user: "bob" }, `life ${life}`);
      await bob.gets(`life ${life}`);
      const position = bob.all("message").at(-1)?.position as number;
      expect(position).toBeGreaterThan(last);
      expect(Number.isSafeInteger(position)).toBe(true);
      last = position;
      await house.restart();
    }
  });

  it("grow across stores that were wiped", async () => {
    const before = await openHouse({ store });
    const [alice, bob] = [await before.client("alice"), await before.client("bob")];
    for (let i = 0; i < 100; i++) alice.start(alice.message({ user: "bob" }, String(i)));
    await bob.gets("99");
    const after = await openHouse({ store });
    const [carol, dora] = [await after.client("carol"), await after.client("dora")];
    await carol.say({ user: "dora" }, "hello");
    await dora.gets("hello");
    expect(dora.position).toBeGreaterThan(bob.position);
  });
});

describe("a queue that is wiped under storage that is kept", () => {
  it("loses no position: what comes afterwards is beyond all that was before", async () => {
    const { storage, registry } = memory();
    const place = (queue = memory({ durable: true }).queue) => ({
      name: "storage that outlives its queue",
      place: async () => ({ parts: () => ({ storage, registry, queue }), end: async () => {} }),
    });
    const before = await openHouse({ store: place() });
    const [alice, bob] = [await before.client("alice"), await before.client("bob")];
    await alice.say({ user: "bob" }, "one");
    await bob.gets("one");
    await before.server.close();

    const after = await openHouse({ store: place() });
    const carol = await after.client("carol");
    expect(await carol.say({ user: "bob" }, "two")).toMatchObject({ seq: 1 });
    const again = await after.client({ user: "bob", device: bob.device, position: bob.position });
    expect((await again.next("welcome")).gap).toBe(false);
    expect(again.texts).toEqual(["two"]);
    const back = await after.client({ user: "alice", device: alice.device });
    expect(await back.say({ user: "bob" }, "three")).toMatchObject({ seq: 2 });
  });
});
