import { until } from "sentseen/testing";
import { expect, onTestFinished, test } from "vitest";
import { Deployment } from "./deployment.js";

const PATIENCE_MS = 40_000;

/** What is started with before and after, as docs/guide/partitions.md says. */
const CHANGES = {
  "redis-cassandra": [{ PARTITIONS: "4" }, { PARTITIONS: "9", PREFIX: `example_${Date.now()}` }],
  "kafka-cassandra": [{ PARTITIONS: "4" }, { PARTITIONS: "9", GENERATION: "2" }],
} as const;

test.each(Object.entries(CHANGES))(
  "%s gets more partitions, and nothing is lost or out of order",
  async (example, [from, to]) => {
    const deployment = await Deployment.of(example, onTestFinished);
    const before = await deployment.start(from);
    const alice = await deployment.person("alice");
    const people = await Promise.all(["bob", "carol", "dave", "erin"].map((user) => deployment.person(user)));
    const sent: string[] = [];
    const say = async (text: string) => {
      sent.push(text);
      for (const { user } of people) await alice.client.send({ user }, text);
    };
    const arrived = () =>
      until("everybody to have everything", () => people.every(({ got }) => got.length >= sent.length), PATIENCE_MS);

    for (let i = 0; i < 10; i++) await say(`before ${i}`);
    await arrived();
    expect(await deployment.end(before, "SIGTERM")).toBe(0);
    for (let i = 0; i < 10; i++) await say(`while nobody is there ${i}`);
    await deployment.start(to);
    for (let i = 0; i < 10; i++) await say(`after ${i}`);
    await arrived();
    for (const { got } of people) expect(got).toEqual(sent);
  },
  120_000,
);
