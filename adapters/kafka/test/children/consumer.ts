/**
 * Consumes a topic until it is killed: PREFIX SESSION_TIMEOUT_MS. Prints "assigned N", "revoked N", "batch N VALUES", and
 * every 20 ms, where that has changed, "owns N,N": the partitions whose leases it takes for valid. After it was stopped
 * it prints that once more, as "woke: owns N,N".
 */
import type { Lease } from "sentseen/ports";
import { kafka } from "../../src/index.js";
import { client } from "../broker.js";

const [prefix = "", sessionTimeoutMs = ""] = process.argv.slice(2);
const { queue } = kafka({
  client,
  prefix,
  partitions: { topic: 4 },
  replicas: 1,
  sessionTimeoutMs: Number(sessionTimeoutMs),
});
const leases = new Map<number, Lease>();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await queue.open();
await queue.consume("topic", "group", {
  assigned: async (partition, lease) => {
    leases.set(partition, lease);
    say(`assigned ${partition}`);
    return null;
  },
  batch: (partition, records) => {
    say(`batch ${partition} ${records.map(({ value }) => Buffer.from(value)).join(",")}`);
  },
  revoked: async (partition) => say(`revoked ${partition}`),
});

const EVERY_MS = 20;
const STOPPED_MS = 1_000;
let last = "";
let lookedAt = performance.now();
setInterval(() => {
  const owned = [...leases].filter(([, lease]) => lease.valid()).map(([partition]) => partition);
  const line = `owns ${owned.sort().join(",")}`;
  // Who was stopped says what it takes itself for before it can have heard of anything.
  if (performance.now() - lookedAt > STOPPED_MS) say(`woke: ${line}`);
  lookedAt = performance.now();
  if (line !== last) say(line);
  last = line;
}, EVERY_MS);
