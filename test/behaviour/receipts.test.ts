import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { until } from "../../src/testing/until.js";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";
import type { WireClient } from "./support/wire-client.js";

type Pairs = [conversation: string, seq: number][];

function report(client: WireClient, receipt: { delivered?: Pairs; read?: Pairs }): void {
  client.send({ type: "receipt", ...receipt });
}

async function watermarks(client: WireClient, ...conversations: string[]) {
  return (await client.expect("watermarks", { type: "receipts", conversations })).watermarks;
}

/** What a client was told, one line for each watermark. */
function told(client: WireClient): string[] {
  return client
    .all("receipt")
    .flatMap((frame) => frame.watermarks.map(({ user, delivered, read }) => `${user} ${delivered} ${read}`));
}

describe.each(STORES)("receipts on $name", (store) => {
  it("only grow, whatever order they come in, and to read is to have", async () => {
    const house = await openHouse({ store, receiptsMs: 1 });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    let conversation = "";
    for (let i = 0; i < 5; i++) ({ conversation } = await alice.say({ user: "bob" }, `text ${i}`));
    report(bob, { delivered: [[conversation, 3]] });
    await until("the first receipt", () => told(alice).length === 1);
    report(bob, { delivered: [[conversation, 2]] });
    report(bob, { read: [[conversation, 4]] });
    await until("the second receipt", () => told(alice).length === 2);
    report(bob, { read: [[conversation, 1]], delivered: [[conversation, 1]] });
    report(bob, { delivered: [[conversation, 5]] });
    await until("the third receipt", () => told(alice).length === 3);
    expect(told(alice)).toEqual(["bob 3 0", "bob 4 4", "bob 5 4"]);
  });

  it("never pass the last message, and count only from members", async () => {
    const house = await openHouse({ store, receiptsMs: 1 });
    const [alice, bob] = [await house.client("alice"), await house.client("bob")];
    const mallory = await house.client("mallory");
    const { conversation } = await alice.say({ user: "bob" }, "hello");
    report(mallory, { delivered: [[conversation, 1]], read: [[conversation, 1]] });
    report(mallory, { read: [[newId(), 1]] });
    await mallory.caughtUp();
    report(bob, { delivered: [[conversation, 1_000_000]] });
    await until("the receipt", () => told(alice).length === 1);
    expect(told(alice)).toEqual(["bob 1 0"]);
    expect(await watermarks(alice, conversation)).toEqual([
      { conversation, user: "alice", delivered: 0, read: 0 },
      { conversation, user: "bob", delivered: 1, read: 0 },
    ]);
    expect(await watermarks(mallory, conversation)).toEqual([]);
  });

  it("begin for a member where the member joined", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const { conversation } = await house.group("alice", []);
    await alice.say({ conversation }, "before");
    await alice.expect("ack", { type: "group.add", id: newId(), conversation, users: ["bob"] });
    expect((await watermarks(alice, conversation))[1]).toMatchObject({ user: "bob", delivered: 2, read: 2 });
  });

  it("are there on request after an absence, and after a restart", async () => {
    const house = await openHouse({ store });
    const [alice, bob] = [await house.client("alice"), await house.client("bob")];
    const one = await alice.say({ user: "bob" }, "hello");
    const two = await house.group("alice", ["bob"]);
    await alice.leave();
    report(bob, { delivered: [[two.conversation, 1]], read: [[one.conversation, 1]] });
    await bob.caughtUp();
    const expected = [
      { conversation: one.conversation, user: "bob", delivered: 1, read: 1 },
      { conversation: two.conversation, user: "bob", delivered: 1, read: 0 },
    ];
    const asked = async () => {
      const client = await house.client("alice");
      const found = await watermarks(client, one.conversation, two.conversation);
      return found.filter(({ user }) => user === "bob");
    };
    expect(await asked()).toEqual(expected);
    await house.restart();
    expect(await asked()).toEqual(expected);
  });
});

describe("receipts", () => {
  it("go to those whose messages they are for, and to nobody else", async () => {
    const house = await openHouse({ receiptsMs: 1 });
    const { conversation } = await house.group("host", ["alice", "bob", "carol", "dora"]);
    const names = ["alice", "bob", "carol", "dora"];
    const clients = await Promise.all(names.map((name) => house.client(name)));
    const [alice, bob, carol, dora] = clients as [WireClient, WireClient, WireClient, WireClient];
    await alice.say({ conversation }, "by alice");
    report(bob, { delivered: [[conversation, 2]] });
    await until("alice's receipt", () => told(alice).length === 1);

    await carol.say({ conversation }, "by carol");
    report(bob, { delivered: [[conversation, 3]] });
    await until("carol's receipt", () => told(carol).length === 1);
    report(bob, { read: [[conversation, 3]] });
    await until("alice's second receipt", () => told(alice).length === 2);
    await until("carol's second receipt", () => told(carol).length === 2);
    await dora.caughtUp();
    // That carol's message was delivered is nothing to alice, whose own was before.
    expect(told(alice)).toEqual(["bob 2 0", "bob 3 3"]);
    expect(told(carol)).toEqual(["bob 3 0", "bob 3 3"]);
    expect(told(dora)).toEqual([]);
    expect(told(bob)).toEqual(["bob 3 3"]);
  });

  it("that come together go out together", async () => {
    const house = await openHouse({ receiptsMs: 300 });
    const alice = await house.client("alice");
    const names = Array.from({ length: 30 }, (_, i) => `user ${i}`);
    const { conversation } = await house.group("alice", names);
    await alice.say({ conversation }, "hello");
    const clients = await Promise.all(names.map((name) => house.client(name)));
    for (const client of clients) {
      for (let i = 0; i < 5; i++) report(client, { delivered: [[conversation, 1]] });
      for (let i = 0; i < 5; i++) report(client, { read: [[conversation, 2]] });
    }
    await until("everyone's receipt", () => new Set(told(alice).filter((line) => line.endsWith("2 2"))).size === 30);
    // 300 were sent within a few times 300 ms.
    expect(alice.all("receipt").length).toBeLessThan(10);
    expect(told(alice).length).toBeLessThan(100);
  });
});
