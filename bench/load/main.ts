import { broadcastLoad } from "./broadcast-load.js";
import { idleLoad } from "./idle-load.js";
import type { Job, LoadResult, WireName } from "./job.js";
import { rawWire } from "./raw-wire.js";
import { relayLoad } from "./relay-load.js";
import { sentseenWire } from "./sentseen-wire.js";
import { socketIoWire } from "./socket-io-wire.js";
import type { Wire } from "./wire.js";

// The load generator as a process: its job as JSON in the first argument, the result over the channel to the parent.

const WIRES: Readonly<Record<WireName, Wire>> = { raw: rawWire, "socket.io": socketIoWire, sentseen: sentseenWire };

function run(job: Job): Promise<LoadResult> {
  const wire = WIRES[job.wire];
  if (job.kind === "relay") return relayLoad(job, wire);
  if (job.kind === "broadcast") return broadcastLoad(job, wire);
  return idleLoad(job, wire);
}

const result = await run(JSON.parse(process.argv[2] ?? "") as Job);
process.send?.(result, () => process.disconnect());
