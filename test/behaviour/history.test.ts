import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";
import type { WireClient } from "./support/wire-client.js";

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function page(
  client: WireClient,
  conversation: string,
  range: { after?: number; before?: number; limit?: number },
) {
  const { entries, more } = await client.expect("batch", { type: "pull", conversation, ...range });
  return { seqs: entries.map(({ seq }) => seq), more };
}

describe.each(STORES)("history that is kept, on $name,", (store) => {
  it.each([
    ["just written", false],
    ["in storage for a while", true],
  ])("is read page by page in both directions, what is %s", async (_, stored) => {
    const house = await openHouse({ store, retention: "forever", flushMs: stored ? 1 : 10_000 });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const acks = await Promise.all(numbers(1, 25).map((i) => alice.say({ user: "bob" }, `text ${i}`)));
    await bob.acknowledge();
    if (stored) await house.settled();
    const { conversation } = acks[0] as { conversation: string };

    expect(await page(bob, conversation, {})).toEqual({ seqs: numbers(1, 25), more: false });
    expect(await page(bob, conversation, { limit: 10 })).toEqual({ seqs: numbers(16, 25), more: true });
    expect(await page(bob, conversation, { before: 16, limit: 10 })).toEqual({ seqs: numbers(6, 15), more: true });
    expect(await page(bob, conversation, { before: 6, limit: 10 })).toEqual({ seqs: numbers(1, 5), more: false });
    expect(await page(bob, conversation, { after: 0, limit: 10 })).toEqual({ seqs: numbers(1, 10), more: true });
    expect(await page(bob, conversation, { after: 20, limit: 10 })).toEqual({ seqs: numbers(21, 25), more: false });
    expect(await page(bob, conversation, { after: 5, before: 9, limit: 10 })).toEqual({ seqs: [6, 7, 8], more: false });
    expect(await page(bob, conversation, { after: 25 })).toEqual({ seqs: [], more: false });

    const { entries } = await bob.expect("batch", { type: "pull", conversation, after: 24 });
    expect(entries).toMatchObject([{ type: "message", seq: 25, sender: "alice", to: "bob", id: acks[24]?.id }]);
    expect(entries[0]).not.toHaveProperty("position");
  });

  it("is whole while rows move from memory to storage", async () => {
    const house = await openHouse({ store, retention: "forever", flushMs: 1 });
    const alice = await house.client("alice");
    const { conversation } = await alice.say({ user: "bob" }, "first");
    for (let i = 2; i <= 100; i++) {
      const [{ seq }, { seqs }] = await Promise.all([
        alice.say({ user: "bob" }, `text ${i}`),
        page(alice, conversation, {}),
      ]);
      expect(seqs.slice(0, seq - 1)).toEqual(numbers(1, seq - 1));
    }
  });

  it("is still there after a restart", async () => {
    const house = await openHouse({ store, retention: "forever" });
    const { conversation } = await (await house.client("alice")).say({ user: "bob" }, "hello");
    await house.restart();
    expect(await page(await house.client("bob"), conversation, {})).toEqual({ seqs: [1], more: false });
  });

  it("begins for a member where the member joined", async () => {
    const house = await openHouse({ store, retention: "forever" });
    const alice = await house.client("alice");
    const { conversation } = await house.group("alice", []);
    for (const text of ["one", "two"]) await alice.say({ conversation }, text);
    await alice.expect("ack", { type: "group.add", id: newId(), conversation, users: ["bob"] });
    await alice.say({ conversation }, "three");
    const bob = await house.client("bob");
    expect(await page(bob, conversation, { after: 0 })).toEqual({ seqs: [4, 5], more: false });
    expect(await page(bob, conversation, { before: 5 })).toEqual({ seqs: [4], more: false });
    expect(await page(bob, conversation, { before: 4 })).toEqual({ seqs: [], more: false });
  });

  it("is nothing to people who aren't members, or no longer", async () => {
    const house = await openHouse({ store, retention: "forever" });
    const alice = await house.client("alice");
    const { conversation } = await house.group("alice", ["bob"]);
    const bob = await house.client("bob");
    expect((await page(bob, conversation, {})).seqs).toEqual([1]);
    await alice.expect("ack", { type: "group.remove", id: newId(), conversation, users: ["bob"] });
    expect(await bob.refused({ type: "pull", conversation })).toMatchObject({ code: "not_found" });
    const carol = await house.client("carol");
    expect(await carol.refused({ type: "pull", conversation })).toMatchObject({ code: "not_found" });
    expect(await carol.refused({ type: "pull", conversation: newId() })).toMatchObject({ code: "not_found" });
  });

  it("comes in pages that fit in memory, however large its messages are", async () => {
    const house = await openHouse({ store, retention: "forever", rate: { burst: 10_000 } });
    const alice = await house.client("alice");
    const content = new Uint8Array(60_000);
    const request = () => ({ type: "send", id: newId(), user: "bob", content_type: "file", content }) as const;
    const acks = await Promise.all(numbers(1, 60).map(() => alice.expect("ack", request())));
    const { conversation } = acks[0] as { conversation: string };
    const ascending: number[] = [];
    for (let more = true; more; ) {
      const batch = await alice.expect("batch", { type: "pull", conversation, after: ascending.at(-1) ?? 0 });
      expect(batch.entries.length * content.length).toBeLessThan(1_200_000);
      ascending.push(...batch.entries.map(({ seq }) => seq));
      more = batch.more;
    }
    expect(ascending).toEqual(numbers(1, 60));
    const descending: number[] = [];
    for (let more = true; more; ) {
      const batch = await page(alice, conversation, { before: descending[0] ?? 61 });
      descending.unshift(...batch.seqs);
      more = batch.more;
    }
    expect(descending).toEqual(numbers(1, 60));
  });
});

describe("history that isn't kept", () => {
  it("is refused as such", async () => {
    const house = await openHouse();
    const alice = await house.client("alice");
    const { conversation } = await alice.say({ user: "bob" }, "hello");
    expect(await alice.refused({ type: "pull", conversation })).toMatchObject({ code: "not_kept" });
  });

  it("has to be asked for by its conversation", async () => {
    const house = await openHouse({ retention: "forever" });
    const alice = await house.client("alice");
    expect(await alice.refused({ type: "pull" })).toMatchObject({ code: "invalid", field: "conversation" });
  });
});
