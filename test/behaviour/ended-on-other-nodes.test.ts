import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { type Node, openNodes } from "./support/nodes.js";

const GATEWAYS = [["gateway"], ["gateway"], ["messages", "delivery"]] as const;

/** Loses so many messages between nodes that say this. */
function losing(word: string, most: number) {
  let lost = 0;
  return {
    aroundSession(method: string, args: readonly unknown[], run: () => unknown): unknown {
      const meant = method === "send" && lost < most && Buffer.from(args[1] as Uint8Array).includes(word);
      if (!meant) return run();
      lost++;
      return Promise.resolve(true);
    },
    lost: () => lost,
  };
}

describe("a host that ends connections", () => {
  it.each([0, 1, 2])("ends a user's on all nodes, whichever node it asks (%i)", async (asked) => {
    const { all } = await openNodes({ roles: GATEWAYS });
    const [one, two] = all as [Node, Node];
    const alices = await Promise.all([one.client("alice"), two.client("alice"), two.client("alice")]);
    const bob = await two.client("bob");
    expect(await all[asked]?.server.disconnect({ user: "alice" })).toBe(3);
    expect(await Promise.all(alices.map((alice) => alice.closed()))).toEqual([4502, 4502, 4502]);
    expect(await all[asked]?.server.disconnect({ user: "alice" })).toBe(0);
    await bob.caughtUp();
  });

  it("ends only one device's where that is meant, and that of a device that it removes", async () => {
    const { all } = await openNodes({ roles: GATEWAYS });
    const [one, two] = all as [Node, Node];
    const [phone, laptop, tablet] = await Promise.all([two.client("alice"), two.client("alice"), one.client("alice")]);
    expect(await one.server.disconnect({ user: "alice", device: phone.device })).toBe(1);
    expect(await phone.closed()).toBe(4502);
    await one.server.removeDevice("alice", laptop.device);
    expect(await laptop.closed()).toBe(4502);
    await tablet.caughtUp();
  });

  it("ends them though what it tells other nodes is lost twice, and though their clients don't answer", async () => {
    const { lost, aroundSession } = losing("disconnected", 2);
    const { all } = await openNodes({ roles: GATEWAYS, aroundSession });
    const [one, two] = all as [Node, Node];
    const alice = await two.client("alice");
    alice.socket.pause();
    expect(await one.server.disconnect({ user: "alice" })).toBe(1);
    expect(lost()).toBe(2);
    alice.socket.resume();
    expect(await alice.closed()).toBe(4502);
  });

  it("names whom it means, and has to be running", async () => {
    const { all } = await openNodes({ roles: GATEWAYS });
    const [one] = all as [Node];
    await expect(one.server.disconnect({ user: "" })).rejects.toMatchObject({ code: "invalid", field: "user" });
    await one.server.close();
    await expect(one.server.disconnect({ user: "alice" })).rejects.toMatchObject({ code: "closed" });
  });
});

describe("a connection that is taken over at another node", () => {
  it("ends though its own node was never told of it", async () => {
    const { lost, aroundSession } = losing("replaced", Number.POSITIVE_INFINITY);
    const { all } = await openNodes({ roles: GATEWAYS, aroundSession, options: { sweepMs: 100 } });
    const [one, two] = all as [Node, Node];
    const device = newId();
    const older = await one.client({ user: "alice", device });
    const laptop = await one.client("alice");
    const newer = await two.client({ user: "alice", device });
    expect(await older.closed()).toBe(4501);
    expect(lost()).toBe(1);
    await newer.say({ user: "bob" }, "here");
    await laptop.gets("here");
  });
});
