import { describe, expect, it } from "vitest";
import { fakeClock } from "../../src/testing/fake-clock.js";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";

describe.each(STORES)("a conversation on $name", (store) => {
  it("has one order without gaps, the same for all, while 20 people send 1,000 messages at once", async () => {
    const house = await openHouse({ store });
    const names = Array.from({ length: 20 }, (_, i) => `user ${i}`);
    const { conversation } = await house.group("user 0", names.slice(1));
    const clients = await Promise.all(names.map((name) => house.client(name)));
    const acks = await Promise.all(
      clients.flatMap((client) =>
        Array.from({ length: 50 }, (_, i) => client.say({ conversation }, `${i} of ${client.user}`)),
      ),
    );
    const seqs = acks.map(({ seq }) => seq).sort((one, other) => one - other);
    expect(seqs).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 2));

    const orders = await Promise.all(
      clients.map(async (client) => {
        await client.until("950 messages", () => client.all("message").length === 950);
        // What a client sent itself it knows from the acknowledgements.
        const own = client.all("ack").map(({ id, seq }) => ({ id, seq }));
        const all = [...own, ...client.all("message")].sort((one, other) => one.seq - other.seq);
        const came = client.all("message").map(({ seq }) => seq);
        expect(came).toEqual([...came].sort((one, other) => one - other));
        return all.map(({ id }) => id).join();
      }),
    );
    expect(new Set(orders).size).toBe(1);
  });

  it("has timestamps that never decrease, though the server's clock jumps back", async () => {
    const clock = fakeClock();
    const house = await openHouse({ store, now: clock.now });
    const alice = await house.client("alice");
    const timestamps: number[] = [];
    for (const jump of [0, 5_000, -3_600_000, 1_000, 7_200_000]) {
      clock.advance(jump);
      timestamps.push((await alice.say({ user: "bob" }, `after ${jump}`)).timestamp);
    }
    expect(timestamps).toEqual([...timestamps].sort((one, other) => one - other));

    clock.advance(-86_400_000);
    await house.restart();
    const bob = await house.client("bob");
    const { timestamp } = await bob.say({ user: "alice" }, "a day earlier");
    expect(timestamp).toBe(timestamps.at(-1));
    expect(bob.all("message").map((message) => message.timestamp)).toEqual(timestamps);
  });
});

describe("a clock that jumps back", () => {
  it("doesn't stop people from sending until it has caught up", async () => {
    const clock = fakeClock();
    const house = await openHouse({ now: clock.now, rate: { per_second: 10, burst: 2 } });
    const alice = await house.client("alice");
    await alice.say({ user: "bob" }, "one");
    clock.advance(-3_600_000);
    await alice.say({ user: "bob" }, "two");
    clock.advance(1_000);
    await alice.say({ user: "bob" }, "three");
  });
});
