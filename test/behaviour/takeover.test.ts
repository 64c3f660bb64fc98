import { setTimeout as sleep } from "node:timers/promises";
import { type ChatServer, createChatServer, developmentAuth, newId } from "sentseen";
import { memory } from "sentseen/memory";
import { describe, expect, it } from "vitest";
import { until } from "../../src/testing/until.js";
import { openHouse } from "./support/house.js";
import { intercept } from "./support/intercept.js";
import { WireClient } from "./support/wire-client.js";

describe("a device that connects again", () => {
  it("takes over: its older connection is told to stay away, and only that one", async () => {
    const house = await openHouse();
    const device = newId();
    const older = await house.client({ user: "alice", device });
    const laptop = await house.client("alice");
    const newer = await house.client({ user: "alice", device });
    expect(await older.closed()).toBe(4501);
    expect(older.all("error")).toMatchObject([{ code: "replaced" }]);
    await newer.say({ user: "bob" }, "here");
    await laptop.gets("here");
    expect(house.server.connections("alice")).toHaveLength(2);
  });

  it("keeps exactly one connection, however quickly it comes again", async () => {
    const house = await openHouse();
    const device = newId();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => house.socket()));
    for (const socket of sockets) socket.hello({ user: "alice", device });
    await until("19 ends", () => sockets.filter(({ ended }) => ended?.code === 4501).length === 19);
    const left = sockets.filter(({ ended }) => ended === null);
    await left[0]?.next("synced");
    await left[0]?.say({ user: "bob" }, "still here");
    expect(house.server.connections("alice")).toHaveLength(1);
  });

  it("keeps exactly one, though the registry's answers come late and in any order", async () => {
    const parts = memory();
    const delays = [40, 5, 20, 0, 30];
    let calls = 0;
    const slowRegister = async (method: string, _args: readonly unknown[], run: () => unknown) => {
      const answer = await run();
      if (method === "register") await sleep(delays[calls++ % delays.length]);
      return answer;
    };
    const registry = intercept(parts.registry, async (method, _args, run) => {
      const answer = await run();
      return method === "join" ? intercept(answer as object, slowRegister) : answer;
    });
    const server = createChatServer({ ...parts, registry, authenticate: developmentAuth() });
    const { url } = await server.listen({ port: 0 });
    const device = newId();
    const clients = await Promise.all(Array.from({ length: 5 }, () => WireClient.open(url)));
    for (const client of clients) client.hello({ user: "alice", device });
    await until("four ends", () => clients.filter(({ ended }) => ended?.code === 4501).length === 4);
    const [left] = clients.filter(({ ended }) => ended === null);
    await left?.next("synced");
    await left?.say({ user: "bob" }, "still here");
    expect(server.connections("alice")).toHaveLength(1);
    await server.close();
  });

  it("on another node takes over there", async () => {
    // Two nodes that share a registry, each with a log of its own.
    const { registry } = memory();
    const shared = intercept(registry, (method, _args, run) => (method === "close" ? Promise.resolve() : run()));
    const nodes: { server: ChatServer; url: string }[] = [];
    for (let i = 0; i < 2; i++) {
      const { storage, queue } = memory();
      const server = createChatServer({ storage, queue, registry: shared, authenticate: developmentAuth() });
      nodes.push({ server, url: (await server.listen({ port: 0 })).url });
    }
    const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    const device = newId();
    const older = await WireClient.connect(one.url, { user: "alice", device });
    const newer = await WireClient.connect(two.url, { user: "alice", device });
    expect(await older.closed()).toBe(4501);
    await newer.caughtUp();
    const back = await WireClient.connect(one.url, { user: "alice", device });
    expect(await newer.closed()).toBe(4501);
    await back.caughtUp();
    await Promise.all(nodes.map(({ server }) => server.close()));
  });

  it("can cut the connection it has and come back at once, many times", async () => {
    const house = await openHouse();
    const device = newId();
    for (let i = 0; i < 50; i++) {
      const client = await house.client({ user: "alice", device });
      expect((await client.say({ user: "bob" }, `text ${i}`)).seq).toBe(i + 1);
      if (i % 2 === 0) client.socket.terminate();
      else client.socket.close();
    }
    const last = await house.client({ user: "alice", device });
    await until("the others' end", () => house.server.stats().connections === 1);
    await last.caughtUp();
  });
});
