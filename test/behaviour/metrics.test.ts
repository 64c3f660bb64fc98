import { readFile } from "node:fs/promises";
import { type ChatServer, DEAD_LETTERS, type DeadLetter, type Metric, newId, readDeadLetter } from "sentseen";
import { describe, expect, it } from "vitest";
import type { Queue } from "../../src/ports/index.js";
import { until } from "../../src/testing/until.js";
import { openHouse } from "./support/house.js";
import type { Around } from "./support/intercept.js";
import { type Node, openNodes } from "./support/nodes.js";
import { STORES } from "./support/stores.js";

const GARBAGE = Uint8Array.of(0xc1, 1, 2, 3);

/** The samples of a metric whose labels are as wanted. */
async function samples(server: ChatServer, name: string, labels: Record<string, string> = {}) {
  const found = (await server.metrics()).find((metric) => metric.name === name) as Metric;
  return found.samples.filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
}

async function sum(server: ChatServer, name: string, labels: Record<string, string> = {}): Promise<number> {
  return (await samples(server, name, labels)).reduce((total, { value }) => total + value, 0);
}

/** Some calls can be held up for a while. */
function held(...methods: string[]) {
  let waiting: (() => void)[] | null = null;
  const around: Around = (method, _args, run) => {
    if (waiting === null || !methods.includes(method)) return run();
    return new Promise<void>((resolve) => waiting?.push(resolve)).then(run);
  };
  return {
    around,
    begin() {
      waiting = [];
    },
    end() {
      const all = waiting ?? [];
      waiting = null;
      for (const resolve of all) resolve();
    },
  };
}

async function deadLetters(queue: Queue, count: number): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  const consumption = await queue.consume(DEAD_LETTERS, newId(), {
    assigned: async () => null,
    batch: (_partition, records) => {
      for (const { value } of records) letters.push(readDeadLetter(value));
    },
    revoked: async () => {},
  });
  await until("the dead letters", () => letters.length >= count);
  await consumption.stop();
  return letters;
}

describe.each(STORES)("on $name", (store) => {
  it("lag grows while a partition stands, and is gone when it has caught up", async () => {
    const reads = held("conversations");
    const house = await openHouse({ store, aroundStorage: reads.around });
    reads.begin();
    const sent = Promise.all(
      Array.from({ length: 5 }, () => house.server.send({ from: "bot", to: { user: "bob" }, content: "hello" })),
    );
    await until("lag", async () => (await sum(house.server, "sentseen_consumer_lag_records")) >= 5);
    reads.end();
    await sent;
    await until("no lag", async () => (await sum(house.server, "sentseen_consumer_lag_records")) === 0);
    expect(await sum(house.server, "sentseen_records_total", { topic: "commands" })).toBeGreaterThanOrEqual(5);
  });

  it("the ages of checkpoint and flush grow while storage takes nothing, and are 0 when all is written", async () => {
    const writes = held("write");
    const house = await openHouse({ store, aroundStorage: writes.around });
    const ages = async () =>
      Promise.all(
        ["checkpoint", "flush"].map((of) => sum(house.server, `sentseen_${of}_age_seconds`, { topic: "commands" })),
      );
    writes.begin();
    const sent = house.server.send({ from: "bot", to: { user: "bob" }, content: "hello" });
    await until("both to be old", async () => (await ages()).every((age) => age > 0.2));
    writes.end();
    await sent;
    await until("nothing to be unwritten", async () => (await ages()).every((age) => age === 0));
  });

  it("a record that can't be read is set aside with the reason, and the next ones are applied", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const { queue } = house.parts;
    for (let partition = 0; partition < queue.partitions("commands"); partition++) {
      await queue.publish("commands", [{ key: "any", partition, value: GARBAGE }]);
    }
    await alice.say({ user: "bob" }, "after it");
    const count = queue.partitions("commands");
    const letters = await deadLetters(queue, count);
    expect(letters).toHaveLength(count);
    for (const letter of letters) {
      expect(letter).toMatchObject({ topic: "commands", reason: "undecodable" });
      expect(letter.error).not.toBe("");
      expect(Buffer.from(letter.value)).toEqual(Buffer.from(GARBAGE));
    }
    expect(await sum(house.server, "sentseen_dead_letters_total", { reason: "undecodable" })).toBe(count);
    expect(house.server.stats().dead_letters).toBe(count);
  });

  it("no checkpoint passes a record that couldn't be set aside yet", async () => {
    let refuse = true;
    const house = await openHouse({
      store,
      aroundQueue: (method, args, run) =>
        refuse && method === "publish" && args[0] === DEAD_LETTERS ? Promise.reject(new Error("away")) : run(),
    });
    const { queue, storage } = house.parts;
    await queue.publish("commands", [{ key: "any", partition: 0, value: GARBAGE }]);
    await until("two tries", () => house.errors.filter((error) => String(error).includes("away")).length >= 2);
    const head = (await queue.head("commands", 0)) as number;
    expect((await storage.checkpoint("commands", 0))?.offset ?? 0).toBeLessThan(head);
    refuse = false;
    await until("the checkpoint", async () => (await storage.checkpoint("commands", 0))?.offset === head);
    expect(await deadLetters(queue, 1)).toMatchObject([{ topic: "commands", partition: 0, offset: head }]);
  });
});

describe("among several nodes", () => {
  const owned = (server: ChatServer) =>
    samples(server, "sentseen_partition_owner").then((all) =>
      all.map(({ labels: { topic = "", partition = "" } }) => topic + partition),
    );

  it("each partition has one owner, and the one that is left has all", async () => {
    const { all } = await openNodes({ roles: [undefined, undefined] });
    const [first, second] = all.map(({ server }) => server) as [ChatServer, ChatServer];
    const both = async () => [...(await owned(first)), ...(await owned(second))].sort();
    const every = ["commands", "deliveries"].flatMap((topic) => [0, 1, 2, 3].map((partition) => topic + partition));
    await until("an owner of each", async () => (await both()).join() === every.join());
    expect((await owned(first)).length).toBe(4);
    await second.close();
    await until("one owner of all", async () => (await owned(first)).sort().join() === every.join());
  });

  it("deliveries that come again are counted, reach nobody twice, and unreadable ones are set aside", async () => {
    const { all, parts } = await openNodes({
      roles: [undefined],
      aroundQueue: (method, args, run) =>
        method === "publish" && args[0] === "deliveries" ? Promise.all([run(), run()]) : run(),
    });
    const [node] = all as [Node];
    const alice = await node.client("alice");
    const bob = await node.client("bob");
    await alice.say({ user: "bob" }, "once");
    await parts.queue.publish("deliveries", [{ key: "any", partition: 1, value: GARBAGE }]);
    await alice.say({ user: "bob" }, "and once more");
    await bob.gets("and once more");
    expect(bob.texts).toEqual(["once", "and once more"]);
    expect(await sum(node.server, "sentseen_redeliveries_total", { topic: "deliveries" })).toBeGreaterThanOrEqual(2);
    expect(await deadLetters(parts.queue, 1)).toMatchObject([{ topic: "deliveries", partition: 1 }]);
    expect(await sum(node.server, "sentseen_dead_letters_total", { topic: "deliveries" })).toBe(1);
  });
});

it("every metric is on the guide's page, and no other", async () => {
  const page = await readFile(new URL("../../docs/guide/metrics.md", import.meta.url), "utf8");
  const { server } = await openHouse();
  const told = [...page.matchAll(/^\| `(sentseen_\w+)`/gm)].map(([, name]) => name);
  expect((await server.metrics()).map(({ name }) => name).sort()).toEqual(told.sort());
});
