import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import type { Write } from "../../src/ports/storage.js";
import { until } from "../../src/testing/until.js";
import { turns } from "./client-fake-clock.js";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => String(from + i));

describe.each(STORES)("the devices of one user, on $name,", (store) => {
  it("each have a place of their own", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const phone = await house.client("bob");
    const laptop = await house.client("bob");
    for (const text of numbers(5)) await alice.say({ user: "bob" }, text);
    await phone.gets("4");
    await phone.acknowledge();
    await laptop.gets("4");
    await laptop.acknowledge((laptop.all("message")[1] as { position: number }).position);
    await Promise.all([phone.leave(), laptop.leave()]);
    for (const text of numbers(5, 5)) await alice.say({ user: "bob" }, text);

    expect((await house.client({ user: "bob", device: phone.device })).texts).toEqual(numbers(5, 5));
    expect((await house.client({ user: "bob", device: laptop.device })).texts).toEqual(numbers(8, 2));
  });

  it("each know what another one read", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const phone = await house.client("bob");
    const laptop = await house.client("bob");
    const { conversation } = await alice.say({ user: "bob" }, "hello");
    await phone.gets("hello");
    phone.send({ type: "receipt", delivered: [[conversation, 1]] });
    await alice.next("receipt");
    phone.send({ type: "receipt", read: [[conversation, 1]] });
    const { watermarks } = await laptop.next("receipt");
    expect(watermarks).toEqual([{ conversation, user: "bob", delivered: 1, read: 1 }]);
  });

  it("get what comes from the moment they are new, whatever the others have acknowledged", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const phone = await house.client("bob");
    await alice.say({ user: "bob" }, "before");
    await phone.gets("before");
    await phone.acknowledge();
    await house.settled();

    const laptop = await house.client("bob");
    expect((await laptop.next("welcome")).gap).toBe(false);
    await laptop.drop();
    await alice.say({ user: "bob" }, "after");
    await phone.gets("after");
    await phone.acknowledge();
    await house.settled();
    const again = await house.client({ user: "bob", device: laptop.device, position: laptop.position });
    expect(again.texts).toEqual(["after"]);
  });

  it("hold back only what they haven't got: one that is removed holds nothing", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const phone = await house.client("bob");
    const lost = await house.client("bob");
    await lost.leave();
    await alice.say({ user: "bob" }, "hello");
    await phone.gets("hello");
    await phone.acknowledge();
    await house.settled();
    const rows = () => house.parts.storage.mailbox("bob", 0, Number.MAX_SAFE_INTEGER, 10);
    expect(await rows()).toHaveLength(1);
    await house.server.removeDevice("bob", lost.device);
    await until("an empty mailbox", async () => (await rows()).length === 0);
    const back = await house.client({ user: "bob", device: lost.device, position: lost.position });
    expect((await back.next("welcome")).gap).toBe(true);
  });

  it("stay removed, though their rows are just being written", async () => {
    const held: (() => void)[] = [];
    let holding = false;
    const house = await openHouse({
      store,
      aroundStorage: (method, [writes], run) => {
        if (method !== "write" || !holding || !(writes as Write[]).some(({ kind }) => kind === "device")) return run();
        return new Promise<void>((resolve) => held.push(resolve)).then(run);
      },
    });
    const alice = await house.client("alice");
    const lost = await house.client("bob");
    await alice.say({ user: "bob" }, "hello");
    await lost.gets("hello");
    await house.settled();
    holding = true;
    lost.send({ type: "receipt", position: lost.position });
    await until("the device is being written", () => held.length > 0);
    const removal = house.server.removeDevice("bob", lost.device);
    await turns();
    holding = false;
    for (const resolve of held) resolve();
    await removal;
    expect(await house.parts.storage.devices("bob")).toEqual([]);
    await house.settled();
    await house.restart();
    expect(await house.parts.storage.devices("bob")).toEqual([]);
  });
});

describe("a device's id", () => {
  it("is its user's: another user with the same one is another device", async () => {
    const house = await openHouse();
    const device = newId();
    const alice = await house.client({ user: "alice", device });
    const bob = await house.client({ user: "bob", device });
    await alice.say({ user: "bob" }, "hello");
    await bob.gets("hello");
    await bob.say({ user: "alice" }, "hello yourself");
    await alice.gets("hello yourself");
    expect(house.server.connections()).toHaveLength(2);
  });
});
