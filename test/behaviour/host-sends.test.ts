import { type MessageOfHost, newId, type Placed } from "sentseen";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { until } from "../../src/testing/until.js";
import { freezing } from "./support/freeze.js";
import { openHouse } from "./support/house.js";
import type { Around } from "./support/intercept.js";
import { STORES } from "./support/stores.js";

const message: MessageOfHost = { from: "bot", to: { user: "alice" }, content: "hello" };

describe.each(STORES)("the host, on $name,", (store) => {
  it("sends as a user, whose own devices get it too", async () => {
    const house = await openHouse({ store });
    const [alice, bob] = [await house.client("alice"), await house.client("bob")];
    const placed = await house.server.send({ from: "alice", to: { user: "bob" }, content: "from the web form" });
    for (const client of [alice, bob]) {
      await client.gets("from the web form");
      expect(client.all("message")).toMatchObject([{ id: placed.id, sender: "alice" }]);
    }
  });

  it("sends to somebody who is away and gets it later", async () => {
    const house = await openHouse({ store });
    await house.server.send({ ...message, content: "while you were away" });
    expect((await house.client("alice")).texts).toEqual(["while you were away"]);
  });

  it("sends once what it repeats with an id, after a restart too", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const id = newId();
    const first = await house.server.send({ ...message, content: "once", id });
    await house.restart();
    expect(await house.server.send({ ...message, content: "once", id })).toEqual(first);
    await house.server.send({ ...message, content: "another" });
    const again = await house.client({ user: "alice", device: alice.device });
    await again.gets("another");
    expect(again.texts).toEqual(["once", "another"]);
  });

  it("makes one group with one id, and is told of that one again", async () => {
    const house = await openHouse({ store });
    const group = { owner: "alice", users: ["bob"], name: "trip", id: newId() };
    const placed = await house.server.createGroup(group);
    expect(await house.server.createGroup(group)).toEqual(placed);
    const bob = await house.client("bob");
    const { conversations } = await bob.expect("conversation_list", { type: "conversations" });
    expect(conversations.map(({ conversation }) => conversation)).toEqual([placed.conversation]);
  });

  it("sends in the order of its calls, without waiting for one before the next", async () => {
    // Every other look-up in storage is answered after the one that follows.
    const turns: (() => void)[] = [];
    const aroundStorage: Around = async (method, _args, run) => {
      if (method === "devices") {
        const next = turns.pop();
        if (next !== undefined) setImmediate(next);
        else await new Promise<void>((resolve) => turns.push(resolve));
      }
      return run();
    };
    const house = await openHouse({ store, aroundStorage });
    const sent = Array.from({ length: 50 }, () => house.server.send(message));
    const places: Placed[] = await Promise.all(sent);
    expect(places.map(({ seq }) => seq)).toEqual(places.map((_, i) => i + 1));
  });
});

describe.each([
  ["the queue", "aroundQueue", "publish"],
  ["storage", "aroundStorage", "devices"],
] as const)("a call of the host that %s doesn't answer", (_, at, method) => {
  it("ends with timeout after 30 seconds, and may be repeated", async () => {
    const frozen = freezing(method);
    const house = await openHouse({ [at]: frozen.around });
    frozen.freeze();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const id = newId();
    const ended = expect(house.server.send({ ...message, id })).rejects.toMatchObject({ code: "timeout" });
    while (frozen.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(30_000);
    await ended;
    vi.useRealTimers();
    frozen.thaw();
    expect(await house.server.send({ ...message, id })).toMatchObject({ seq: 1 });
    expect(await house.server.send(message)).toMatchObject({ seq: 2 });
  });

  it("ends with closed when the server closes, and nothing comes of it later", async () => {
    const frozen = freezing(method);
    const house = await openHouse({ [at]: frozen.around });
    frozen.freeze();
    const ended = expect(house.server.send(message)).rejects.toMatchObject({ code: "closed" });
    await until("it to wait", () => frozen.waiting === 1);
    await house.server.close({ deadlineMs: 50 });
    await ended;
    frozen.thaw();
    await house.restart();
    expect((await house.client("alice")).texts).toEqual([]);
  });
});
