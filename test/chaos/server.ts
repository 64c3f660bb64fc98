/**
 * The server under test, as a process of its own. Reads its setup from the environment, prints its port, drains on
 * SIGTERM, and ends with its standard input. Asked for its state on standard input, it prints that as one line.
 */
import { createInterface } from "node:readline";
import { createChatServer, developmentAuth, isChatError } from "../../src/index.js";
import { counted } from "./counted.js";
import { partsOf } from "./parts.js";
import { plant, wrapStorage } from "./planted.js";
import type { ServerSetup } from "./server-process.js";

const setup: ServerSetup = JSON.parse(process.env.SENTSEEN_CHAOS ?? "{}");

/** Kills the process at the n-th time that a step is done. */
function crashPoint(at: string | undefined): (step: string) => void {
  const [step, count] = at?.split(":") ?? [];
  let left = Number(count ?? 1);
  return (done) => {
    if (done === step && --left === 0) process.kill(process.pid, "SIGKILL");
  };
}

const { ahead = 0 } = setup;
if (ahead !== 0) {
  const now = Date.now;
  Date.now = () => now() + ahead;
}
let ports = partsOf(setup);
if (setup.stepwise) ports = { ...ports, storage: wrapStorage(ports.storage, { atomic: false }) };
if (setup.planted !== undefined) ports = plant(setup.planted, ports, setup.directory);

const storage = counted(ports.storage);

const chat = createChatServer({
  ...ports,
  storage: storage.same,
  authenticate: developmentAuth(),
  flushMs: setup.flush ?? 200,
  limits: { idle_seconds: setup.idle ?? 2 },
  rate: { per_second: 100_000, burst: 100_000 },
  probe: crashPoint(setup.crashAt),
  ...(setup.roles && { roles: setup.roles }),
});
chat.on("error", (error: unknown) => {
  // Among several nodes partitions change hands and shared servers go away: what is tried again is no fault.
  const tried = isChatError(error) && (error.retryable || error.code === "closed");
  if (setup.shape === "lmdb" || setup.shape === undefined || !tried) console.error(error);
});

process.on("SIGTERM", () => {
  void chat.close({ spreadMs: setup.spread ?? 0 }).then(() => process.exit(0));
});
createInterface(process.stdin)
  .on("line", () => {
    console.log(JSON.stringify({ ...chat.stats(), connections: chat.connections(), storage: storage.calls }));
  })
  .on("close", () => process.exit(1));

const takesConnections = setup.roles?.includes("gateway") ?? true;
const listening = takesConnections ? await chat.listen({ port: 0, host: "127.0.0.1" }) : await chat.start();
console.log(listening?.port ?? 0);
