import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";

describe.each(STORES)("a message that is sent again, on $name,", (store) => {
  it("is stored once and answered with the first acknowledgement: 100 times at once", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const request = alice.message({ user: "bob" }, "once");
    const answers = await Promise.all(Array.from({ length: 100 }, () => alice.expect("ack", request)));
    expect(new Set(answers.map(({ seq, timestamp, id }) => `${seq} ${timestamp} ${id}`)).size).toBe(1);
    const next = await alice.say({ user: "bob" }, "next");
    expect(next.seq).toBe(2);
    await bob.gets("next");
    expect(bob.texts).toEqual(["once", "next"]);
  });

  it("is recognised after a restart of the server", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const id = newId();
    const first = await alice.say({ user: "bob" }, "once", { id });
    await house.restart();
    const again = await house.client({ user: "alice", device: alice.device });
    const second = await again.say({ user: "bob" }, "once", { id });
    expect([second.seq, second.timestamp]).toEqual([first.seq, first.timestamp]);
    expect((await again.say({ user: "bob" }, "next")).seq).toBe(2);
    const bob = await house.client("bob");
    expect(bob.texts).toEqual(["once", "next"]);
  });

  it("is recognised on another connection, while the first one's answer was lost", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const request = alice.message({ user: "bob" }, "once");
    alice.start(request);
    await alice.drop();
    const again = await house.client({ user: "alice", device: alice.device });
    expect(await again.expect("ack", request)).toMatchObject({ seq: 1 });
    const bob = await house.client("bob");
    await again.say({ user: "bob" }, "next");
    await bob.gets("next");
    expect(bob.texts).toEqual(["once", "next"]);
  });

  it("is recognised while it is among as many commands as a device may have unacknowledged", async () => {
    const house = await openHouse({ store, limits: { in_flight: 8 } });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const oldest = alice.message({ user: "bob" }, "oldest");
    const ack = await alice.expect("ack", oldest);
    // Seven later ones, and flushes between them: eight with the oldest.
    for (let i = 0; i < 7; i++) {
      await alice.say({ user: "bob" }, `later ${i}`);
      if (i % 3 === 0) await house.settled();
    }
    await house.settled();
    expect(await alice.expect("ack", oldest)).toMatchObject({ seq: ack.seq, timestamp: ack.timestamp });
    await alice.say({ user: "bob" }, "last");
    await bob.gets("last");
    expect(bob.texts.filter((text) => text === "oldest")).toHaveLength(1);
  });

  it("is refused again when it was refused, though it would be allowed by now", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const conversation = newId();
    await alice.expect("ack", { type: "group.create", id: newId(), conversation, name: "trip", users: [] });
    const request = bob.message({ conversation }, "let me in");
    expect(await bob.refused(request)).toMatchObject({ code: "not_member" });
    await alice.expect("ack", { type: "group.add", id: newId(), conversation, users: ["bob"] });
    expect(await bob.refused(request)).toMatchObject({ code: "not_member" });
    expect(await bob.say({ conversation }, "here I am")).toMatchObject({ seq: 3 });
  });

  it("is another message when another device gives the same id", async () => {
    const house = await openHouse({ store });
    const phone = await house.client("alice");
    const laptop = await house.client("alice");
    const id = newId();
    expect((await phone.say({ user: "bob" }, "from the phone", { id })).seq).toBe(1);
    expect((await laptop.say({ user: "bob" }, "from the laptop", { id })).seq).toBe(2);
  });
});
