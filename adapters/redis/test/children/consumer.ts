/**
 * Consumes a topic until it is ended: PORT PREFIX LEASE_MS. Prints "assigned N", "revoked N", "batch N VALUES", and every
 * 20 ms, where that has changed, "owns N,N": the partitions whose leases it takes for valid.
 */
import { Redis } from "ioredis";
import type { Lease } from "sentseen/ports";
import { redis } from "../../src/index.js";

const [port = "", prefix = "", leaseMs = ""] = process.argv.slice(2);
const client = new Redis({ host: "127.0.0.1", port: Number(port), lazyConnect: true });
const { queue } = redis({ client, prefix, partitions: 4, leaseMs: Number(leaseMs), deadlineMs: 1_000 });
const leases = new Map<number, Lease>();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await queue.open();
const consumption = await queue.consume("topic", "group", {
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

process.stdin.on("end", async () => {
  await consumption.stop();
  await queue.close();
  process.exit(0);
});
process.stdin.resume();
