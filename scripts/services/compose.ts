import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Engine } from "./engine.js";
import { FIRST, ROOT, SET } from "./place.js";
import type { Server } from "./service.js";

const FILE = join(ROOT, "examples/several-nodes/compose.yaml");
/** A first start pulls images. */
const PATIENCE_MS = 10 * 60_000;

/** The file names the ports by their place in a set's block, so that several sets fit beside each other. */
const PORTS = {
  REDIS_PORT: 0,
  REDIS_CLUSTER_PORT_1: 1,
  REDIS_CLUSTER_PORT_2: 2,
  REDIS_CLUSTER_PORT_3: 3,
  REDIS_CLUSTER_BUS_1: 4,
  REDIS_CLUSTER_BUS_2: 5,
  REDIS_CLUSTER_BUS_3: 6,
  KAFKA_PORT: 7,
  CASSANDRA_PORT: 9,
  CASSANDRA_3_PORT: 11,
  CASSANDRA_3_STORAGE_PORT: 12,
};

async function docker(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    "docker",
    ["compose", "--file", FILE, "--project-name", `sentseen-${FIRST}-${SET}`, "--profile", "*", ...args],
    {
      timeout: PATIENCE_MS,
      maxBuffer: 16 << 20,
      env: {
        ...process.env,
        ...Object.fromEntries(Object.entries(PORTS).map(([name, index]) => [name, String(FIRST + index)])),
      },
    },
  );
  return stdout;
}

const names = (servers: readonly Server[]) => servers.map((server) => server.name);

/** Servers as containers. */
export const compose: Engine = {
  async start(server) {
    await docker("up", "--detach", "--no-deps", server.name);
  },
  running: async (server) => (await docker("ps", "--status", "running", "--quiet", server.name)).trim() !== "",
  async signal(server, signal) {
    if (await compose.running(server)) await docker("kill", "--signal", signal, server.name);
  },
  async remove(servers) {
    await docker("rm", "--force", "--stop", "--volumes", ...names(servers));
  },
  log: (server, lines) => docker("logs", "--no-color", "--tail", String(lines), server.name),
};
