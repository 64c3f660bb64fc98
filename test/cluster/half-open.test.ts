import { describe, expect, it } from "vitest";
import { until } from "../../src/testing/until.js";
import { deploy } from "./support/deployment.js";
import { Person } from "./support/person.js";

const PATIENCE = 30_000;
const WHOLE_TEST = 90_000;

describe.each(["redis-cassandra", "kafka-cassandra"] as const)("on %s", (shape) => {
  it(
    "what is written into a connection that is only half there is delivered when the device has it, elsewhere and once",
    async () => {
      const deployment = await deploy(shape, { idle: 4 });
      const [alice, bob] = await Promise.all([Person.join(deployment, "alice", 0), Person.join(deployment, "bob", 1)]);
      await alice.say("bob", "before");
      await until("the first message", () => bob.got.length === 1, PATIENCE);
      await until("its second tick", () => statusOf(alice, "before") === "delivered", PATIENCE);

      // What node 1 sends to bob is lost from now on, and neither end is told. He comes back to another node.
      const lost = ["into the void", "and another"];
      const tooSoon: string[] = [];
      alice.client.on("status", ({ text, status }) => {
        if (status === "delivered" && !bob.got.includes(text)) tooSoon.push(text);
      });
      bob.network.freeze();
      for (const text of lost) {
        await alice.say("bob", text);
        expect(statusOf(alice, text)).toBe("sent");
      }
      await until("what was lost", () => bob.got.length === 1 + lost.length, PATIENCE);
      await until("its second tick", () => statusOf(alice, "and another") === "delivered", PATIENCE);

      await alice.say("bob", "after");
      await until("the last message", () => bob.got.includes("after"), PATIENCE);
      expect(bob.got).toEqual(["before", ...lost, "after"]);
      expect(tooSoon).toEqual([]);
      for (const { errors } of [alice, bob]) expect(errors).toEqual([]);
      expect(deployment.failures).toEqual([]);
    },
    WHOLE_TEST,
  );
});

/** How far a message of somebody's own has got. */
function statusOf({ steps }: Person, text: string): string | undefined {
  return steps.filter((step) => step.text === text).at(-1)?.status;
}
