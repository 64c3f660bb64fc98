/**
 * What clients see while a server under the nodes is away:
 *
 *     SENTSEEN_SERVICES=away node --conditions=sentseen-source --import tsx test/examples/away.ts redis-cassandra redis
 *
 * Starts the example on servers of its own, lets alice write to bob four times a second, kills one server, starts it
 * again after fifteen seconds, and prints what became of what she wrote before, meanwhile and after.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  ensureServices,
  killServer,
  type ServiceName,
  startServer,
  stopServices,
} from "../../scripts/services/services.js";
import { until } from "../../src/testing/until.js";
import { Deployment } from "./deployment.js";
import type { ExampleProcess } from "./example-process.js";

const BEFORE_MS = 5_000;
const AWAY_MS = 15_000;
const AFTER_MS = 5_000;
const EVERY_MS = 250;
const PATIENCE_MS = 60_000;

const SHAPES: Record<string, { services: readonly ServiceName[]; processes: readonly Record<string, string>[] }> = {
  "redis-cassandra": { services: ["redis", "cassandra"], processes: [{}, {}] },
  "kafka-cassandra": {
    services: ["redis", "cassandra", "kafka"],
    processes: ["gateway", "messages", "delivery"].flatMap((ROLES) => [{ ROLES }, { ROLES }]),
  },
};

interface Written {
  readonly text: string;
  readonly at: number;
  sent?: number;
  arrived?: number;
}

const [example = "", ...killed] = process.argv.slice(2);
const shape = SHAPES[example];
if (shape === undefined || killed.length === 0 || process.env.SENTSEEN_SERVICES === undefined) {
  throw new Error("Wanted: SENTSEEN_SERVICES, the name of an example, and servers to kill.");
}
const ends: (() => Promise<void>)[] = [];
try {
  await ensureServices(shape.services);
  const deployment = await Deployment.of(example, (end) => ends.unshift(end));
  // The first makes the tables; the others find them.
  const processes: ExampleProcess[] = [];
  for (const env of shape.processes) processes.push(await deployment.start(env));
  for (const server of killed) await watch(deployment, server, processes);
} finally {
  for (const end of ends) await end();
  await stopServices(shape.services);
}

async function watch(deployment: Deployment, server: string, processes: readonly ExampleProcess[]): Promise<void> {
  const alice = await deployment.person(`alice-${server}`);
  const bob = await deployment.person(`bob-${server}`);
  const written = new Map<string, Written>();
  const start = performance.now();
  const now = () => Math.round(performance.now() - start);
  const states: string[] = [];
  for (const [name, { client }] of Object.entries({ alice, bob })) {
    client.on("state", (state, reason) => states.push(`${now()} ${name} ${state} ${reason?.code ?? ""}`));
  }
  alice.client.on("status", ({ text, status }) => {
    const one = written.get(text);
    if (one !== undefined && status !== "queued" && status !== "failed") one.sent ??= now();
  });
  bob.client.on("message", ({ text }) => {
    const one = written.get(text);
    if (one !== undefined) one.arrived ??= now();
  });
  const write = async (ms: number) => {
    for (const end = now() + ms; now() < end; ) {
      const text = `${written.size}`;
      written.set(text, { text, at: now() });
      await alice.client.send({ user: `bob-${server}` }, text);
      await pause(EVERY_MS);
    }
  };
  await write(BEFORE_MS);
  const gone = now();
  await killServer(server);
  await write(AWAY_MS);
  const back = now();
  const answers = startServer(server).then(() => now());
  await write(AFTER_MS);
  const all = () => [...written.values()].every(({ sent, arrived }) => sent !== undefined && arrived !== undefined);
  await until("everything to be sent and to arrive", all, PATIENCE_MS).catch((error: unknown) => {
    for (const one of written.values()) if (one.sent === undefined || one.arrived === undefined) console.error(one);
    for (const state of states) console.error(state);
    for (const { errors } of processes) console.error(errors.join("").slice(-4_000));
    throw error;
  });
  const found = [...written.values()];
  const meanwhile = found.filter(({ at }) => at >= gone && at < back);
  const kept = meanwhile.filter(({ arrived }) => (arrived as number) < back);
  const said = (await answers) - back;
  const rest = Math.max(...found.filter(({ at }) => at < back).map(({ arrived }) => arrived as number)) - back;
  const inOrder = bob.got.every((text, index) => text === String(index));
  console.log(
    `── ${example}, without ${server} for ${Math.round((back - gone) / 1_000)} s, and ${said} ms until it answered`,
  );
  console.log(`written meanwhile ${meanwhile.length}, arrived meanwhile ${kept.length}`);
  console.log(`slowest before ${slowest(found.filter(({ at }) => at < gone - 1_000))} ms`);
  console.log(`all that was written meanwhile arrived ${rest} ms after it was started again`);
  console.log(`lost ${found.length - bob.got.length}, ${inOrder ? "in order" : "OUT OF ORDER"}`);
  for (const state of states) console.log(`  ${state}`);
}

function slowest(written: readonly Written[]): number {
  return Math.max(...written.map(({ at, arrived }) => (arrived as number) - at));
}
