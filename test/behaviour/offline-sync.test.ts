import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";
import type { WireClient } from "./support/wire-client.js";

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => String(from + i));

function expectAscendingPositions(client: WireClient): void {
  const positions = client.all("message").map(({ position }) => position as number);
  expect(positions).toEqual([...new Set(positions)].sort((one, other) => one - other));
}

describe.each(STORES)("whoever was away, on $name,", (store) => {
  it("gets everything missed in order, then synced, then what happens", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const missed = numbers(150);
    await Promise.all(missed.map((text) => alice.say({ user: "bob" }, text)));

    const bob = await house.client("bob");
    await alice.say({ user: "bob" }, "live");
    await bob.gets("live");
    expect(bob.frames.map(({ type }) => type)).toEqual([
      "welcome",
      ...missed.map(() => "message"),
      "synced",
      "message",
    ]);
    expect(bob.texts).toEqual([...missed, "live"]);
    expectAscendingPositions(bob);
    const [synced] = bob.all("synced");
    expect(synced?.position).toBe(bob.all("message").at(-2)?.position);
  });

  it("has no hole and nothing twice, though people send while it connects, 200 times", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    let sending = true;
    const sent: string[] = [];
    const sender = (async () => {
      while (sending) {
        const text = String(sent.length);
        sent.push(text);
        await alice.say({ user: "bob" }, text);
      }
    })();

    const got: string[] = [];
    const device = newId();
    let position: number | undefined;
    for (let i = 0; i < 200; i++) {
      const bob = await house.client({ user: "bob", device, ...(position !== undefined && { position }) });
      await bob.until("something live", () => bob.frames.at(-1)?.type === "message");
      await bob.drop();
      expectAscendingPositions(bob);
      got.push(...bob.texts);
      position = bob.position;
    }
    sending = false;
    await sender;
    const bob = await house.client({ user: "bob", device, ...(position !== undefined && { position }) });
    await bob.caughtUp();
    expect([...got, ...bob.texts]).toEqual(sent);
  });

  it("goes on where it was, wherever its connection was cut", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const texts = numbers(40);
    for (const text of texts) await alice.say({ user: "bob" }, text);
    for (const keepsUpTo of [0, 1, 7, 31, 32, 33, 39]) {
      // The first connection gets all, but only some of it was kept when it was cut.
      const device = newId();
      const first = await house.client({ user: "bob", device });
      const kept = first.all("message").slice(0, keepsUpTo);
      await first.drop();
      const position = kept.at(-1)?.position;
      const second = await house.client({ user: "bob", device, ...(position !== undefined && { position }) });
      expect([...kept.map(({ content }) => new TextDecoder().decode(content)), ...second.texts]).toEqual(texts);
      expect((await second.next("welcome")).gap).toBe(false);
    }
  });

  it("goes on where it was after a restart of the server", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    for (const text of numbers(10)) await alice.say({ user: "bob" }, text);
    const bob = await house.client("bob");
    const { position = 0 } = bob.all("message")[3] ?? {};
    await bob.acknowledge(position);
    await house.restart();
    // What the device acknowledged stands in for a position that it doesn't give.
    for (const given of [{ position }, {}]) {
      const again = await house.client({ user: "bob", device: bob.device, ...given });
      expect((await again.next("welcome")).gap).toBe(false);
      expect(again.texts).toEqual(numbers(6, 4));
    }
  });

  it("is told by a pong how far its mailbox goes, though nothing of it has come yet, and never further", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    for (const text of numbers(3)) await alice.say({ user: "bob" }, text);
    await house.settled();
    await house.restart();
    const bob = await house.socket();
    bob.hello({ user: "bob" });
    bob.send({ type: "ping" });
    const early = await bob.next("pong");
    const synced = await bob.next("synced");
    expect(bob.texts).toEqual(numbers(3));
    expect(early.head).toBeGreaterThanOrEqual(bob.all("message").at(-1)?.position as number);
    // Who has everything isn't made to ask for more, whatever others do.
    const carol = await house.client("carol");
    for (const text of numbers(3)) await carol.say({ user: "alice" }, text);
    expect((await bob.caughtUp()).head).toBeLessThanOrEqual(synced.position);
  });

  it("may ask for its mailbox again", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    for (const text of numbers(40)) await alice.say({ user: "bob" }, text);
    const bob = await house.client("bob");
    const position = (bob.all("message")[34] as { position: number }).position;
    const from = bob.frames.length;
    await bob.expect("ok", { type: "pull", mailbox: position });
    await bob.next("synced", () => true, from);
    await alice.say({ user: "bob" }, "live");
    await bob.gets("live");
    expect(bob.texts.slice(40)).toEqual(["35", "36", "37", "38", "39", "live"]);
  });

  it("loses nothing by asking for its mailbox from a place that isn't reached yet", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    await bob.expect("ok", { type: "pull", mailbox: Number.MAX_SAFE_INTEGER });
    await alice.say({ user: "bob" }, "live");
    await bob.gets("live");
    expect(bob.all("synced").at(-1)?.position).toBeLessThan(Number.MAX_SAFE_INTEGER);
  });
});
