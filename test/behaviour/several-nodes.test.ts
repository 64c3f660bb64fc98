import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { until } from "../../src/testing/until.js";
import { type Node, openNodes } from "./support/nodes.js";

const ALL = undefined;
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => String(from + i));

function nodeOf(nodes: readonly Node[], index: number): Node {
  return nodes[index % nodes.length] as Node;
}

describe.each([
  { name: "three nodes that do everything", roles: [ALL, ALL, ALL] },
  {
    name: "two gateways, two for messages and two for delivery",
    roles: [["gateway"], ["gateway"], ["messages"], ["messages"], ["delivery"], ["delivery"]],
  },
] as const)("on $name", ({ roles }) => {
  describe.each([{ durable: true }, { durable: false }])("over a log that is durable: $durable", ({ durable }) => {
    async function open() {
      const { all, ...nodes } = await openNodes({ roles, durable });
      return { ...nodes, all, gateways: all.filter(({ url }) => url !== "") };
    }

    it("people write to each other wherever they are connected, with receipts", async () => {
      const { gateways } = await open();
      const alice = await nodeOf(gateways, 0).client("alice");
      const bob = await nodeOf(gateways, 1).client("bob");
      const { conversation } = await alice.say({ user: "bob" }, "hello");
      await bob.gets("hello");
      bob.send({ type: "receipt", position: bob.position, delivered: [[conversation, 1]], read: [[conversation, 1]] });
      const told = await alice.next("receipt", ({ watermarks }) => watermarks.some(({ read }) => read === 1));
      expect(told.watermarks).toMatchObject([{ conversation, user: "bob", delivered: 1, read: 1 }]);
      await bob.say({ conversation }, "hello yourself");
      await alice.gets("hello yourself");
    });

    it("a group's messages come to everybody in one order, once each", async () => {
      const { gateways } = await open();
      const users = Array.from({ length: 9 }, (_, i) => `user ${i}`);
      const { conversation } = await nodeOf(gateways, 0).server.createGroup({
        owner: "user 0",
        users: users.slice(1),
        name: "group",
      });
      const clients = await Promise.all(users.map((user, i) => nodeOf(gateways, i).client(user)));
      await Promise.all(
        clients.map(async (client, i) => {
          for (const text of numbers(i * 100, 20)) await client.say({ conversation }, text);
        }),
      );
      const orders = await Promise.all(
        clients.map(async (client) => {
          await client.until("everybody else's messages", () => client.all("message").length >= 160);
          return client.all("message").map(({ seq }) => seq);
        }),
      );
      for (const order of orders) {
        expect(order).toHaveLength(160);
        expect(order).toEqual([...order].sort((one, other) => one - other));
      }
    });

    it("a device goes on at another node where it was, with nothing lost and nothing twice", async () => {
      const { gateways } = await open();
      const alice = await nodeOf(gateways, 0).client("alice");
      const device = newId();
      let position: number | undefined;
      const got: string[] = [];
      for (let round = 0; round < 6; round++) {
        await alice.say({ user: "bob" }, `while away ${round}`);
        const bob = await nodeOf(gateways, round).client({
          user: "bob",
          device,
          ...(position !== undefined && { position }),
        });
        expect((await bob.next("welcome")).gap).toBe(false);
        await alice.say({ user: "bob" }, `while here ${round}`);
        await bob.gets(`while away ${round}`, `while here ${round}`);
        position = bob.position;
        got.push(...bob.texts);
        await bob.drop();
      }
      expect(got).toEqual(numbers(0, 6).flatMap((round) => [`while away ${round}`, `while here ${round}`]));
    });

    it("a device that connects elsewhere takes over there", async () => {
      const { gateways } = await open();
      const device = newId();
      const older = await nodeOf(gateways, 0).client({ user: "alice", device });
      await nodeOf(gateways, 1).client({ user: "alice", device });
      expect(await older.closed()).toBe(4501);
    });

    it("what every device has goes from storage", async () => {
      const { gateways, parts } = await open();
      const alice = await nodeOf(gateways, 0).client("alice");
      const bob = await nodeOf(gateways, 1).client("bob");
      for (const text of numbers(0, 10)) await alice.say({ user: "bob" }, text);
      await bob.gets("9");
      await bob.acknowledge();
      await until("bob's empty mailbox", async () => (await parts.storage.mailbox("bob", 0, 2 ** 53, 10)).length === 0);
    });
  });
});

describe("nodes that come and go", () => {
  it.each([{ durable: true }, { durable: false }])(
    "hand partitions over under load, and nothing is lost, doubled or disordered ($durable)",
    async ({ durable }) => {
      const nodes = await openNodes({ roles: [ALL, ALL], durable });
      const [first, second] = nodes.all as [Node, Node];
      const alice = await second.client("alice");
      const bob = await second.client("bob");
      const texts = numbers(0, 300);
      const sending = (async () => {
        for (const text of texts) await alice.say({ user: "bob" }, text);
      })();
      await bob.gets("50");
      await first.server.close();
      await bob.gets("120");
      await nodes.join();
      await sending;
      await bob.gets("299");
      expect(bob.texts).toEqual(texts);
      expect(bob.all("message").map(({ seq }) => seq)).toEqual(texts.map((_, i) => i + 1));
    },
  );
});

describe("bytes that are lost between nodes", () => {
  it("leave no message lying: who is connected is told to look", async () => {
    let lossy = true;
    const { all } = await openNodes({
      roles: [["gateway"], ["messages", "delivery"]],
      // What the delivery role sends to gateways is lost, but for answers to what it is asked.
      aroundSession: (method, args, run) =>
        lossy && method === "send" && Buffer.from(args[1] as Uint8Array).includes("pushes")
          ? Promise.resolve(true)
          : run(),
    });
    const [gateway] = all as [Node];
    const alice = await gateway.client("alice");
    const bob = await gateway.client("bob");
    await alice.say({ user: "bob" }, "lost on the way");
    lossy = false;
    await bob.gets("lost on the way");
    await alice.say({ user: "bob" }, "live again");
    await bob.gets("live again");
    expect(bob.texts).toEqual(["lost on the way", "live again"]);
  });

  it("are found missing by the next message", async () => {
    let lossy = false;
    const { all } = await openNodes({
      roles: [["gateway"], ["messages", "delivery"]],
      aroundSession: (method, args, run) =>
        lossy && method === "send" && Buffer.from(args[1] as Uint8Array).includes("pushes")
          ? Promise.resolve(true)
          : run(),
    });
    const [gateway] = all as [Node];
    const alice = await gateway.client("alice");
    const bob = await gateway.client("bob");
    await alice.say({ user: "bob" }, "one");
    await bob.gets("one");
    lossy = true;
    await alice.say({ user: "bob" }, "two");
    await alice.say({ user: "bob" }, "three");
    lossy = false;
    await alice.say({ user: "bob" }, "four");
    await bob.gets("four");
    expect(bob.texts).toEqual(["one", "two", "three", "four"]);
  });
});
