import { randomUUID } from "node:crypto";
import { until } from "sentseen/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Redis, redis } from "../src/index.js";
import { libraries } from "./clients.js";
import { codeOf } from "./code-of.js";
import { Node, placesOf, some } from "./node.js";
import { RedisServer } from "./redis-server.js";
import { Tunnel } from "./tunnel.js";

const PATIENCE_MS = 15_000;
const DEADLINE_MS = 1_000;

for (const [name, library] of Object.entries(libraries)) {
  describe(`the registry when Redis fails, with ${name}`, () => {
    let server: RedisServer;
    let tunnel: Tunnel;
    let registry: Redis["registry"];
    /** The registry of another process, which has its own way to Redis. */
    let other: Redis["registry"];

    beforeEach(async () => {
      server = await RedisServer.start();
      tunnel = await Tunnel.to(server.port);
      const options = { prefix: `test-${randomUUID()}`, vanishMs: 2_000, deadlineMs: DEADLINE_MS, probeMs: 300 };
      registry = redis({ ...options, client: library.single(tunnel.port) }).registry;
      other = redis({ ...options, client: library.single(server.port) }).registry;
      await Promise.all([registry.open(), other.open()]);
    });

    afterEach(async () => {
      server.resume();
      tunnel.mend();
      await Promise.all([registry.close(), other.close()]);
      await tunnel.end();
      await server.end();
    });

    /** Two nodes of two processes, and a user with a device at each. */
    async function twoNodes() {
      const [one, two] = [await Node.join(registry), await Node.join(other)];
      const user = some("user");
      await one.register(user, some("phone"), 1);
      await two.register(user, some("laptop"), 2);
      return { one, two, user, places: [`${one.id}/1`, `${two.id}/2`].sort() };
    }

    async function isBack({ one, two, user, places }: Awaited<ReturnType<typeof twoNodes>>): Promise<void> {
      const found = async () => {
        try {
          return (await placesOf(other, user)).sort().join() === places.join();
        } catch {
          return false;
        }
      };
      await until("both entries to be there again", found, PATIENCE_MS);
      await until("the first node to be told", () => one.losses > 0, PATIENCE_MS);
      const arrive = async () => {
        await two.session.send(one.id, Buffer.from("hello"));
        return one.got.includes("hello");
      };
      await until("bytes to arrive again", arrive, PATIENCE_MS);
    }

    test("nodes enter their connections again when everything was wiped, and look at positions", async () => {
      const nodes = await twoNodes();
      await server.control.flushall();
      await isBack(nodes);
      expect(nodes.two.losses).toBeGreaterThan(0);
    });

    test("nodes enter their connections again when Redis comes back empty after a crash", async () => {
      const nodes = await twoNodes();
      await server.kill();
      expect(await codeOf(other.lookup([nodes.user]))).toBe("store_unavailable");
      await server.start();
      await isBack(nodes);
      expect(nodes.two.losses).toBeGreaterThan(0);
    });

    test("while Redis hangs every call fails within its deadline, and afterwards all is as it was", async () => {
      const nodes = await twoNodes();
      server.pause();
      const began = performance.now();
      const calls = [
        other.lookup([nodes.user]),
        nodes.one.session.register({ user: nodes.user, device_id: some("tablet"), connection_id: 3 }),
        nodes.two.session.send(nodes.one.id, Buffer.from("lost")),
        nodes.two.session.publish("topic", Buffer.from("lost")),
        nodes.two.session.watch("topic"),
      ];
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => "store_unavailable"));
      expect(performance.now() - began).toBeLessThan(DEADLINE_MS * 3);
      server.resume();
      // What was registered in vain leaves nothing behind.
      await isBack(nodes);
    });

    test("a cut connection is made again, and the node is told that bytes may have been lost", async () => {
      const nodes = await twoNodes();
      tunnel.cut();
      await isBack(nodes);
      expect(nodes.two.losses).toBe(0);
    });

    test("a subscription that died without a word is found and mended within seconds", async () => {
      const nodes = await twoNodes();
      await nodes.one.session.watch("news");
      tunnel.deadenSubscribed();
      await isBack(nodes);
      await nodes.two.session.publish("news", Buffer.from("heard"));
      await until("the topic's bytes", () => nodes.one.got.includes("news: heard"), PATIENCE_MS);
    });

    test("a node that was cut off for too long is there again when its way is mended", async () => {
      const nodes = await twoNodes();
      tunnel.sever();
      const gone = async () => (await placesOf(other, nodes.user)).join() === `${nodes.two.id}/2`;
      await until("the first node to vanish", gone, PATIENCE_MS);
      expect(await nodes.two.session.send(nodes.one.id, Buffer.from("anybody?"))).toBe(false);
      tunnel.mend();
      await isBack(nodes);
    });

    test("on a way where nothing passes calls fail in time, new connections too, and closing comes to an end", async () => {
      const nodes = await twoNodes();
      tunnel.swallow();
      for (let times = 0; times < 2; times++) {
        const began = performance.now();
        expect(await codeOf(registry.lookup([nodes.user]))).toBe("store_unavailable");
        expect(performance.now() - began).toBeLessThan(DEADLINE_MS * 2);
      }
      const began = performance.now();
      await registry.close();
      expect(performance.now() - began).toBeLessThan(DEADLINE_MS * 3);
      await until("its node to vanish", async () => (await placesOf(other, nodes.user)).length === 1, PATIENCE_MS);
    });

    test("a way where nothing passed is used again when it is mended", async () => {
      const nodes = await twoNodes();
      tunnel.swallow();
      expect(await codeOf(registry.lookup([nodes.user]))).toBe("store_unavailable");
      expect(await codeOf(registry.lookup([nodes.user]))).toBe("store_unavailable");
      tunnel.mend();
      await isBack(nodes);
    });

    test("whoever took over stays when all is entered again, and generations never go back", async () => {
      const [one, two] = [await Node.join(registry), await Node.join(other)];
      const [user, device] = [some("user"), some("device")];
      const first = await one.register(user, device, 1);
      const second = await two.register(user, device, 2);
      // The one that lost its device is the last to enter it again.
      tunnel.sever();
      await server.control.flushall();
      await until("the other to have entered it", () => two.losses > 0, PATIENCE_MS);
      tunnel.mend();
      const before = one.losses;
      await until("the one to have entered it", () => one.losses > before, PATIENCE_MS);
      expect(await placesOf(registry, user)).toEqual([`${two.id}/2`]);
      await server.control.flushall();
      const third = await one.register(user, device, 3);
      expect([first, second, third].map(({ generation }) => generation)).toEqual(
        [first, second, third].map(({ generation }) => generation).sort((a, b) => a - b),
      );
      expect(third.generation).toBeGreaterThan(second.generation);
    });

    test("a node's next life takes over from the last, which finds out", async () => {
      const [old, watcher] = [await Node.join(registry), await Node.join(registry)];
      const user = some("user");
      await old.register(user, some("phone"), 1);
      const next = await Node.join(other, old.id);
      expect(await placesOf(registry, user)).toEqual([]);
      await next.register(user, some("laptop"), 2);
      await watcher.session.send(old.id, Buffer.from("hello"));
      await until("the next life to get it", () => next.got.length === 1, PATIENCE_MS);
      await until("the old life to be told", () => old.losses > 0, PATIENCE_MS);
      expect(old.got).toEqual([]);
      expect(await codeOf(old.session.publish("topic", Buffer.from("I'm still here")))).toBe("closed");
      await old.session.leave();
      expect(await placesOf(registry, user)).toEqual([`${next.id}/2`]);
    });

    test("a thousand users are looked up in one round trip", async () => {
      const node = await Node.join(other);
      const users = Array.from({ length: 1_000 }, () => some("user"));
      await Promise.all(users.map((user) => node.register(user, "device")));
      await registry.lookup(users);
      const scripts = async () =>
        Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server.control.info("commandstats"))?.[1] ?? 0);
      await node.session.leave();
      await server.control.config("RESETSTAT");
      tunnel.holdAnswers();
      const found = registry.lookup(users);
      await until("all to be asked before anything was answered", async () => (await scripts()) === 4, PATIENCE_MS);
      tunnel.mend();
      expect(await found).toHaveLength(1_000);
    });
  });
}
