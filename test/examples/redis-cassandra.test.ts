import { until } from "sentseen/testing";
import { expect, onTestFinished, test } from "vitest";
import { Deployment } from "./deployment.js";

const PATIENCE_MS = 40_000;

test("two nodes behind one port: people meet whichever they are on, and either node may go", async () => {
  const deployment = await Deployment.of("redis-cassandra", onTestFinished);
  const [one, two] = await Promise.all([deployment.start(), deployment.start()]);
  const alice = await deployment.person("alice");
  const bob = await deployment.person("bob");
  const sent: string[] = [];
  const say = async (text: string) => {
    sent.push(text);
    await alice.client.send({ user: "bob" }, text);
  };
  const arrived = () => until("bob to have everything", () => bob.got.length >= sent.length, PATIENCE_MS);

  for (let i = 0; i < 20; i++) await say(`both nodes ${i}`);
  await arrived();
  expect(bob.got).toEqual(sent);

  const killed = deployment.end(one, "SIGKILL");
  for (let i = 0; i < 20; i++) await say(`one was killed ${i}`);
  await killed;
  await arrived();
  expect(bob.got).toEqual(sent);

  const three = await deployment.start();
  const drained = deployment.end(two, "SIGTERM");
  for (let i = 0; i < 20; i++) await say(`the other was asked to go ${i}`);
  expect(await drained).toBe(0);
  await arrived();
  expect(bob.got).toEqual(sent);
  expect(await deployment.end(three, "SIGTERM")).toBe(0);
}, 150_000);
