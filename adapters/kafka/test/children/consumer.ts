/**
 * Consumes a topic until it is killed: PREFIX SESSION_TIMEOUT_MS. Prints "assigned N", "revoked N", "batch N VALUES", and
 * every 20 ms, where that has changed, "owns N,N": the partitions whose leases it takes for valid.
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

let last = "";
setInterval(() => {
  const owned = [...leases].filter(([, lease]) => lease.valid()).map(([partition]) => partition);
  const line = `owns ${owned.sort().join(",")}`;
  if (line !== last) say(line);
  last = line;
}, 20);
