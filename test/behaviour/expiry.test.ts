import { describe, expect, it } from "vitest";
import { fakeClock } from "../../src/testing/fake-clock.js";
import { until } from "../../src/testing/until.js";
import { type House, openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";

const DAY_MS = 86_400_000;

function rowsOf(house: House, user: string) {
  return house.parts.storage.mailbox(user, 0, Number.MAX_SAFE_INTEGER, 100);
}

async function devicesOf(house: House, user: string): Promise<string[]> {
  return (await house.parts.storage.devices(user)).map(({ device }) => device);
}

describe.each(STORES)("on $name", (store) => {
  it("what nobody fetches goes after 30 days, and what is younger stays", async () => {
    const clock = fakeClock();
    const house = await openHouse({ store, now: clock.now, sweepMs: 10 });
    const alice = await house.client("alice");
    await alice.say({ user: "bob" }, "old");
    await house.settled();
    clock.advance(DAY_MS);
    await alice.say({ user: "bob" }, "young");
    await house.settled();
    clock.advance(29 * DAY_MS - 1);
    await house.swept();
    expect(await rowsOf(house, "bob")).toHaveLength(2);
    clock.advance(1);
    await until("the old row's end", async () => (await rowsOf(house, "bob")).length === 1);
    const bob = await house.client("bob");
    expect(bob.texts).toEqual(["young"]);
  });

  it("a device that wasn't seen for 30 days is unlinked, and holds nothing back from then on", async () => {
    const clock = fakeClock();
    const house = await openHouse({ store, now: clock.now, sweepMs: 10 });
    const alice = await house.client("alice");
    const phone = await house.client("bob");
    const lost = await house.client("bob");
    await lost.leave();
    await until("the lost device's last sign of life", async () => (await devicesOf(house, "bob")).length === 2);
    await house.settled();
    clock.advance(29 * DAY_MS);
    await alice.say({ user: "bob" }, "hello");
    await phone.gets("hello");
    await phone.acknowledge();
    await house.settled();
    await house.swept();
    expect(await rowsOf(house, "bob")).toHaveLength(1);

    clock.advance(DAY_MS);
    await until("the device's end", async () => (await devicesOf(house, "bob")).length === 1);
    expect(await devicesOf(house, "bob")).toEqual([phone.device]);
    await until("an empty mailbox", async () => (await rowsOf(house, "bob")).length === 0);
    const back = await house.client({ user: "bob", device: lost.device, position: lost.position });
    expect((await back.next("welcome")).gap).toBe(true);
  });

  it("a device that was unlinked while the server was down holds nothing back either", async () => {
    const clock = fakeClock();
    const house = await openHouse({ store, now: clock.now });
    const phone = await house.client("bob");
    const lost = await house.client("bob");
    await lost.leave();
    clock.advance(20 * DAY_MS);
    await phone.leave();
    await house.server.close();
    clock.advance(15 * DAY_MS);
    await house.restart();
    await until("the device's end", async () => (await devicesOf(house, "bob")).length === 1);
    const alice = await house.client("alice");
    await alice.say({ user: "bob" }, "hello");
    await house.settled();
    const again = await house.client({ user: "bob", device: phone.device, position: phone.position });
    expect((await again.next("welcome")).gap).toBe(false);
    await again.gets("hello");
    await again.acknowledge();
    await until("an empty mailbox", async () => (await rowsOf(house, "bob")).length === 0);
  });

  it("a device that stays connected is never unlinked, however quiet it is", async () => {
    const clock = fakeClock();
    const house = await openHouse({ store, now: clock.now, sweepMs: 10 });
    const bob = await house.client("bob");
    for (let day = 0; day < 40; day += 8) {
      clock.advance(8 * DAY_MS);
      await house.swept();
    }
    clock.advance(31 * DAY_MS);
    await house.swept();
    await house.restart();
    const again = await house.client({ user: "bob", device: bob.device, position: bob.position });
    expect((await again.next("welcome")).gap).toBe(false);
  });

  it("history that is kept for some days goes after them", async () => {
    const clock = fakeClock();
    const days = store.keepsHistory ? 32 : 2;
    const house = await openHouse({ store, now: clock.now, sweepMs: 10, retention: { days } });
    const alice = await house.client("alice");
    const { conversation } = await alice.say({ user: "bob" }, "old");
    await house.settled();
    clock.advance((days - 1) * DAY_MS);
    await alice.say({ user: "bob" }, "young");
    await house.settled();
    clock.advance(DAY_MS);
    const kept = async () => {
      const { entries } = await alice.expect("batch", { type: "pull", conversation });
      return entries.map(({ seq }) => seq).join();
    };
    await until("the old entry's end", async () => (await kept()) === "2");
  });
});
