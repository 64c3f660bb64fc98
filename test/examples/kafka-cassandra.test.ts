import { until } from "sentseen/testing";
import { expect, onTestFinished, test } from "vitest";
import { Deployment } from "./deployment.js";

const PATIENCE_MS = 40_000;

test("two processes of each role: one of each may die, and nothing is lost", async () => {
  const deployment = await Deployment.of("kafka-cassandra", onTestFinished);
  const roles = ["gateway", "messages", "delivery"] as const;
  // Those that make the tables and topics first; all may, at once.
  const first = await Promise.all(roles.map((ROLES) => deployment.start({ ROLES })));
  await Promise.all(roles.map((ROLES) => deployment.start({ ROLES })));
  const alice = await deployment.person("alice");
  const bob = await deployment.person("bob");
  const sent: string[] = [];
  const say = async (text: string) => {
    sent.push(text);
    await alice.client.send({ user: "bob" }, text);
  };
  const arrived = () => until("bob to have everything", () => bob.got.length >= sent.length, PATIENCE_MS);

  for (let i = 0; i < 20; i++) await say(`all there ${i}`);
  await arrived();
  expect(bob.got).toEqual(sent);

  for (const [index, process] of first.entries()) {
    const killed = deployment.end(process, "SIGKILL");
    for (let i = 0; i < 10; i++) await say(`without a ${roles[index]} ${i}`);
    await killed;
    await arrived();
    expect(bob.got).toEqual(sent);
  }
}, 180_000);
