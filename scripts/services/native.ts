import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "./engine.js";
import { NativeProcess } from "./native-process.js";
import { HOME } from "./place.js";
import type { Server } from "./service.js";

function processOf(server: Server): NativeProcess {
  return new NativeProcess(join(HOME, server.name));
}

/** Servers as processes of this machine. */
export const native: Engine = {
  async start(server) {
    const process = processOf(server);
    await process.start(await server.prepare(process.directory));
  },
  running: async (server) => processOf(server).pid() !== null,
  signal: (server, signal) => processOf(server).signal(signal),
  async remove(servers) {
    await Promise.all(
      servers.map(async (server) => {
        const process = processOf(server);
        await process.stop();
        rmSync(process.directory, { recursive: true, force: true });
      }),
    );
  },
  async log(server, lines) {
    const { log } = processOf(server);
    return existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n").slice(-lines).join("\n") : "";
  },
};
