import assert from "node:assert/strict";
import { until } from "../until.js";
import { bytes, Node, type RegistryClause, some } from "./subject.js";

function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

export const carriageClauses: readonly RegistryClause[] = [
  {
    name: "bytes reach the node they are sent to, in order, and no other",
    async check({ adapter, other = adapter, patienceMs }) {
      const [one, two, three] = [await Node.join(adapter), await Node.join(other), await Node.join(adapter)];
      await Promise.all(texts(300).map((text) => one.session.send(two.id, bytes(text))));
      await until("all bytes", () => two.messages.length >= 300 || two.losses > 0, patienceMs);
      assert.equal(two.losses, 0, "bytes were lost though nothing went wrong");
      assert.deepEqual(two.messages, texts(300));
      assert.deepEqual([...one.messages, ...three.messages], []);
    },
  },
  {
    name: "a node may send to itself",
    async check({ adapter, patienceMs }) {
      const node = await Node.join(adapter);
      assert.equal(await node.session.send(node.id, bytes("note")), true);
      await until("the note", () => node.messages.length === 1, patienceMs);
      assert.deepEqual(node.messages, ["note"]);
    },
  },
  {
    name: "sending to a node that never was or has left is answered with false",
    async check({ adapter, other = adapter }) {
      const [one, two] = [await Node.join(adapter), await Node.join(other)];
      assert.equal(await one.session.send(some("nobody"), bytes("hello")), false);
      assert.equal(await one.session.send(two.id, bytes("hello")), true);
      await two.session.leave();
      assert.equal(await one.session.send(two.id, bytes("hello")), false);
    },
  },
  {
    name: "bytes arrive as they were when they were sent, though the sender uses its memory again",
    async check({ adapter, other = adapter, patienceMs }) {
      const [one, two] = [await Node.join(adapter), await Node.join(other)];
      await two.session.watch("news");
      const memory = bytes("as it was");
      await one.session.send(two.id, memory);
      await one.session.publish("news", memory);
      memory.fill(33);
      await until("both", () => two.messages.length === 1 && two.topics.length === 1, patienceMs);
      assert.deepEqual([...two.messages, ...two.topics], ["as it was", "news: as it was"]);
    },
  },
  {
    name: "what is published to a topic reaches every node that watches it, the publisher too, in order",
    async check({ adapter, other = adapter, patienceMs }) {
      const [one, two, three] = [await Node.join(adapter), await Node.join(other), await Node.join(adapter)];
      const topic = some("topic");
      for (const node of [one, two]) await node.session.watch(topic);
      await three.session.watch(`${topic}x`);
      await Promise.all(texts(100).map((text) => one.session.publish(topic, bytes(text))));
      for (const node of [one, two]) {
        await until("all that was published", () => node.topics.length >= 100, patienceMs);
        assert.deepEqual(
          node.topics,
          texts(100).map((text) => `${topic}: ${text}`),
        );
      }
      assert.deepEqual([...three.topics, ...one.messages, ...two.messages], []);
    },
  },
  {
    name: "a node that stopped watching a topic or left gets no more of it, however often it watched",
    async check({ adapter, other = adapter, patienceMs }) {
      const [one, two, three] = [await Node.join(adapter), await Node.join(other), await Node.join(other)];
      const topic = some("topic");
      for (const node of [one, two, two, three]) await node.session.watch(topic);
      await one.session.publish(topic, bytes("first"));
      await until("the first", () => [one, two, three].every((node) => node.topics.length === 1), patienceMs);
      await two.session.unwatch(topic);
      await two.session.unwatch(topic);
      await three.session.leave();
      await one.session.publish(topic, bytes("second"));
      await until("the second", () => one.topics.length === 2, patienceMs);
      // The way to the others is as long as that to the one which has it: one more round, and nothing can be under way.
      await one.session.send(two.id, bytes("mark"));
      await until("the mark", () => two.messages.length === 1, patienceMs);
      assert.deepEqual([two.topics, three.topics], [[`${topic}: first`], [`${topic}: first`]]);
    },
  },
  {
    name: "a node whose handler throws gets the rest all the same, and others lose nothing",
    async check({ adapter, patienceMs }) {
      const sender = await Node.join(adapter);
      const healthy = await Node.join(adapter);
      const got: string[] = [];
      const id = some("node");
      await adapter.join(id, {
        message: (sent) => {
          got.push(new TextDecoder().decode(sent));
          if (got.length === 1) throw new Error("a fault of this node's");
        },
        topic: () => {},
        lost: () => {},
      });
      for (const text of ["one", "two"]) {
        await sender.session.send(id, bytes(text));
        await sender.session.send(healthy.id, bytes(text));
      }
      await until("both nodes to have both", () => got.length === 2 && healthy.messages.length === 2, patienceMs);
      assert.deepEqual(
        [got, healthy.messages],
        [
          ["one", "two"],
          ["one", "two"],
        ],
      );
    },
  },
];
