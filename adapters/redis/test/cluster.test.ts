import { randomUUID } from "node:crypto";
import slotOf from "cluster-key-slot";
import { partitionOf } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Redis, redis } from "../src/index.js";
import { libraries } from "./clients.js";
import { codeOf } from "./code-of.js";
import { Node, placesOf, some } from "./node.js";
import { Reader } from "./reader.js";
import { RedisCluster, type RedisServer } from "./redis-server.js";

const PATIENCE_MS = 20_000;

/** A user whose entries are in the bucket with that tag: they are spread as partitions are. */
function nameIn(tag: string): string {
  const bucket = Number(/:(\d+)\}$/.exec(tag)?.[1]);
  for (let tried = 0; ; tried++) if (partitionOf(`user-${tried}`, 64) === bucket) return `user-${tried}`;
}

for (const [name, library] of Object.entries(libraries)) {
  describe(`when a part of Redis Cluster fails or moves, with ${name}`, () => {
    let cluster: RedisCluster;
    let registry: Redis["registry"];
    let queue: Redis["queue"];
    let endClient: () => void;

    beforeEach(async () => {
      cluster = await RedisCluster.start();
      const { client, end } = library.cluster(cluster.nodes);
      endClient = end;
      const prefix = `test-${randomUUID()}`;
      const quick = { vanishMs: 2_000, deadlineMs: 2_000, probeMs: 300, leaseMs: 1_000, partitions: 8 };
      ({ registry, queue } = redis({ client, prefix, ...quick }));
      await registry.open();
    });

    afterEach(async () => {
      await Promise.all([registry.close(), queue.close()]);
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

    test("when a master dies its replica takes over, for entries, bytes and the queue", async () => {
      const [master] = cluster.servers as [RedisServer];
      await cluster.addReplicaOf(master);
      const [one, two] = [await Node.join(registry), await Node.join(registry)];
      const users = Array.from({ length: 50 }, () => some("user"));
      for (const user of users) await one.register(user, some("phone"));
      await queue.open();
      const reader = new Reader();
      await queue.consume("topic", "group", reader);
      const partitions = Array.from({ length: queue.partitions("topic") }, (_, partition) => partition);
      const publish = (value: string) =>
        queue.publish(
          "topic",
          partitions.map((partition) => ({ key: "key", value: Buffer.from(value), partition })),
        );
      const arrived = (value: string) =>
        new Set(reader.records.filter((record) => `${Buffer.from(record.value)}` === value).map(({ at }) => at))
          .size === partitions.length;
      await publish("before");
      await until("all partitions to be read", () => arrived("before"), PATIENCE_MS);
      await master.kill();
      const works = async () => (await codeOf(publish("after"))) === "none";
      await until("publishing to every partition to work", works, PATIENCE_MS);
      await until("all partitions to be read on", () => arrived("after"), PATIENCE_MS);
      for (const partition of partitions) {
        const offsets = reader.records.filter(({ at }) => at === partition).map(({ offset }) => offset);
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
      }
      const all = async () => {
        try {
          return (await registry.lookup(users)).every((entries) => entries.length === 1);
        } catch {
          return false;
        }
      };
      await until("all users to be found", all, PATIENCE_MS);
      const arrive = async () => {
        await codeOf(two.session.send(one.id, Buffer.from("hello")));
        return one.got.includes("hello");
      };
      await until("bytes to arrive", arrive, PATIENCE_MS);
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
