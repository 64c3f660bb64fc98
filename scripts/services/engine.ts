import { spawnSync } from "node:child_process";
import { compose } from "./compose.js";
import { native } from "./native.js";
import type { Server } from "./service.js";

/** What runs servers. */
export interface Engine {
  /** Starts a server that isn't running. Resolves when it has been started, not when it answers. */
  start(server: Server): Promise<void>;
  running(server: Server): Promise<boolean>;
  /** Sends a signal; one that ends processes is waited for until it has. */
  signal(server: Server, signal: NodeJS.Signals): Promise<void>;
  /** Ends the servers and forgets what they kept. */
  remove(servers: readonly Server[]): Promise<void>;
  /** The end of what a server wrote. */
  log(server: Server, lines: number): Promise<string>;
}

/** A container engine, where one answers; processes of this machine where none does. */
export function chooseEngine(): Engine {
  const answers = (...args: string[]) => spawnSync("docker", args, { stdio: "ignore", timeout: 10_000 }).status === 0;
  return answers("compose", "version") && answers("info") ? compose : native;
}
