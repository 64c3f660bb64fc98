import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";
import type { WireClient } from "./support/wire-client.js";

async function allPages(client: WireClient, limit: number) {
  const pages: string[][] = [];
  for (let after: string | undefined, more = true; more; after = pages.at(-1)?.at(-1)) {
    const request = { type: "conversations", limit, ...(after !== undefined && { after }) } as const;
    const page = await client.expect("conversation_list", request);
    pages.push(page.conversations.map(({ conversation }) => conversation));
    more = page.more;
  }
  return pages;
}

describe.each(STORES)("the list of one's conversations, on $name,", (store) => {
  it("has each of them right after it was made, page by page", async () => {
    const house = await openHouse({ store, flushMs: 10_000 });
    const alice = await house.client("alice");
    const made: string[] = [];
    for (let i = 0; i < 6; i++) {
      made.push((await house.group("alice", ["bob"], `group ${i}`)).conversation);
      made.push((await alice.say({ user: `user ${i}` }, "hello")).conversation);
    }
    made.sort();
    for (const limit of [1, 4, 5, 12, 256]) {
      const pages = await allPages(alice, limit);
      expect(pages.flat()).toEqual(made);
      expect(pages).toHaveLength(Math.ceil(made.length / limit));
    }
  });

  it("says of each what it is, where it stands, and how far one has got", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const direct = await alice.say({ user: "bob" }, "hello");
    const group = await house.group("alice", ["bob"], "trip");
    bob.send({ type: "receipt", delivered: [[direct.conversation, 1]] });
    await alice.next("receipt");
    const { conversations } = await bob.expect("conversation_list", { type: "conversations" });
    const { conversation, timestamp } = direct;
    expect(conversations).toHaveLength(2);
    expect(conversations).toContainEqual({
      ...{ conversation, kind: "direct", user: "alice", head: 1, timestamp },
      ...{ delivered: 1, read: 0 },
    });
    expect(conversations).toContainEqual({
      ...{ conversation: group.conversation, kind: "group", name: "trip", head: 1, timestamp: group.timestamp },
      ...{ delivered: 0, read: 0 },
    });
  });

  it("loses a group that one leaves or is removed from, at once", async () => {
    const house = await openHouse({ store, flushMs: 10_000 });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const left = await house.group("alice", ["bob"]);
    const removed = await house.group("alice", ["bob"]);
    expect((await allPages(bob, 10)).flat()).toHaveLength(2);
    await bob.expect("ack", { type: "group.leave", id: newId(), conversation: left.conversation });
    expect((await allPages(bob, 10)).flat()).toEqual([removed.conversation]);
    const { conversation } = removed;
    await alice.expect("ack", { type: "group.remove", id: newId(), conversation, users: ["bob"] });
    expect((await allPages(bob, 10)).flat()).toEqual([]);
    expect((await allPages(alice, 10)).flat()).toHaveLength(2);
  });

  it("is the same after a restart", async () => {
    const house = await openHouse({ store });
    const { conversation } = await house.group("alice", ["bob"], "trip");
    await house.restart();
    const bob = await house.client("bob");
    const { conversations } = await bob.expect("conversation_list", { type: "conversations" });
    expect(conversations).toMatchObject([{ conversation, name: "trip", head: 1 }]);
  });
});
