import { randomUUID } from "node:crypto";
import type { RateLimiter } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisOptions, redis } from "../src/index.js";
import { libraries } from "./clients.js";
import { codeOf } from "./code-of.js";
import { RedisCluster, RedisServer } from "./redis-server.js";

const RATE = { per_second: 0.001, burst: 100 };

/** Two gateways' limiters over the same Redis. */
async function pair(client: RedisOptions["client"], end: () => void): Promise<[RateLimiter, RateLimiter]> {
  const options = { client, prefix: `test-${randomUUID()}` };
  const limiters: [RateLimiter, RateLimiter] = [redis(options).rateLimiter, redis(options).rateLimiter];
  await Promise.all(limiters.map((limiter) => limiter.open()));
  closing.push(async () => {
    await Promise.all(limiters.map((limiter) => limiter.close()));
    end();
  });
  return limiters;
}

const closing: (() => Promise<void>)[] = [];

function behaves(make: () => Promise<[RateLimiter, RateLimiter]>): void {
  let one: RateLimiter;
  let two: RateLimiter;
  beforeAll(async () => {
    [one, two] = await make();
  });
  afterAll(async () => {
    for (const close of closing.splice(0)) await close();
  });

  test("gateways that ask at once are granted a user's burst together, and no more", async () => {
    const user = randomUUID();
    const asks = Array.from({ length: 40 }, (_, index) =>
      (index % 2 === 0 ? one : two).take(RATE, new Map([[user, 7]])),
    );
    const grants = (await Promise.all(asks)).map((answer) => answer.get(user));
    expect(grants.reduce((sum, grant) => sum + (grant?.granted ?? 0), 0)).toBe(100);
    for (const grant of grants) expect((grant?.wait ?? 0) > 0).toBe((grant?.granted ?? 0) < 7);
  });

  test("users don't take each other's, however many are asked for at once", async () => {
    const wanted = new Map(Array.from({ length: 500 }, (_, index) => [randomUUID(), 1 + (index % 100)]));
    const grants = await one.take(RATE, wanted);
    for (const [user, count] of wanted) expect(grants.get(user)).toEqual({ granted: count, wait: 0 });
    const rest = await two.take(RATE, new Map([...wanted.keys()].map((user) => [user, 100])));
    for (const [user, count] of wanted) expect(rest.get(user)?.granted).toBe(100 - count);
  });

  test("what was used comes back with time, and it says when", async () => {
    const user = randomUUID();
    const rate = { per_second: 20, burst: 5 };
    expect((await one.take(rate, new Map([[user, 5]]))).get(user)).toEqual({ granted: 5, wait: 0 });
    const used = performance.now();
    const { granted, wait } = (await two.take(rate, new Map([[user, 5]]))).get(user) ?? { granted: -1, wait: 0 };
    expect(granted).toBe(0);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(50);
    await until("one to be there again", async () => {
      return ((await one.take(rate, new Map([[user, 1]]))).get(user)?.granted ?? 0) === 1;
    });
    expect(performance.now() - used).toBeGreaterThan(wait - 5);
  });
}

for (const [name, library] of Object.entries(libraries)) {
  describe(`rate limits on one Redis, with ${name}`, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await RedisServer.start();
    });
    afterAll(() => server.end());
    behaves(() => pair(library.single(server.port), () => {}));

    test("a Redis that stands still is told of within the deadline", async () => {
      const client = library.single(server.port);
      const { rateLimiter } = redis({ client, prefix: `test-${randomUUID()}`, deadlineMs: 300 });
      await rateLimiter.open();
      server.pause();
      expect(await codeOf(rateLimiter.take(RATE, new Map([["alice", 1]])))).toBe("store_unavailable");
      server.resume();
      const answers = async () => (await codeOf(rateLimiter.take(RATE, new Map([["alice", 1]])))) === "none";
      await until("it to answer again", answers);
      await rateLimiter.close();
      expect(await codeOf(rateLimiter.take(RATE, new Map([["alice", 1]])))).toBe("closed");
    });
  });

  describe(`rate limits on Redis Cluster, with ${name}`, () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await RedisCluster.start();
    });
    afterAll(() => cluster.end());
    behaves(() => {
      const { client, end } = library.cluster(cluster.nodes);
      return pair(client, end);
    });
  });
}
