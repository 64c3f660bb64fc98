import { randomUUID } from "node:crypto";
import slotOf from "cluster-key-slot";
import { partitionOf } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Redis, redis } from "../src/index.js";
import { libraries } from "./clients.js";
import { Node, placesOf, some } from "./node.js";
import { RedisCluster } from "./redis-server.js";

const PATIENCE_MS = 20_000;

/** A user whose entries are in the bucket with that tag: they are spread as partitions are. */
function nameIn(tag: string): string {
  const bucket = Number(/:(\d+)\}$/.exec(tag)?.[1]);
  for (let tried = 0; ; tried++) if (partitionOf(`user-${tried}`, 64) === bucket) return `user-${tried}`;
}

for (const [name, library] of Object.entries(libraries)) {
  describe(`the registry when a part of Redis Cluster fails or moves, with ${name}`, () => {
    let cluster: RedisCluster;
    let registry: Redis["registry"];
    let endClient: () => void;

    beforeEach(async () => {
      cluster = await RedisCluster.start();
      const { client, end } = library.cluster(cluster.nodes);
      endClient = end;
      const prefix = `test-${randomUUID()}`;
      registry = redis({ client, prefix, vanishMs: 2_000, deadlineMs: 2_000, probeMs: 300 }).registry;
      await registry.open();
    });

    afterEach(async () => {
      await registry.close();
      endClient();
      await cluster.end();
    });

    test("what a single master forgot is entered again", async () => {
      const [one, two] = [await Node.join(registry), await Node.join(registry)];
      const users = Array.from({ length: 100 }, () => some("user"));
      for (const [index, user] of users.entries()) await (index % 2 === 0 ? one : two).register(user, some("phone"));
      await cluster.servers[1]?.control.flushall();
      const all = async () => (await registry.lookup(users)).every((entries) => entries.length === 1);
      expect(await all()).toBe(false);
      await until("all users to be there again", all, PATIENCE_MS);
      await until("both nodes to be told", () => one.losses > 0 && two.losses > 0, PATIENCE_MS);
    });

    test("when a slot moves to another master, entries and bytes follow", async () => {
      const [one, two] = [await Node.join(registry), await Node.join(registry)];
      const topic = some("topic");
      await one.session.watch(topic);
      await two.session.publish(topic, Buffer.from("before"));
      await until("the first bytes", () => one.got.includes(`${topic}: before`), PATIENCE_MS);
      const channel = await cluster.channel((found) => found.endsWith(topic));
      // Some user of those whose entries lie beside the topic's channel.
      const beside = channel.slice(0, channel.indexOf("}") + 1);
      const user = nameIn(beside);
      await one.register(user, some("phone"), 7);
      await cluster.moveSlot(slotOf(channel));
      expect(await placesOf(registry, user)).toEqual([`${one.id}/7`]);
      const arrive = async () => {
        await two.session.publish(topic, Buffer.from("after"));
        return one.got.includes(`${topic}: after`);
      };
      await until("bytes to arrive again", arrive, PATIENCE_MS);
      await until("the node to be told", () => one.losses > 0, PATIENCE_MS);
      expect(await placesOf(registry, user)).toEqual([`${one.id}/7`]);
    });
  });
}
