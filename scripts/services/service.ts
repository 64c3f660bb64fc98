import type { CommandLine } from "./native-process.js";

/** One process of a service: what can be killed and paused by its own name. */
export interface Server {
  /** Also the name of its container, and of its directory under `.services/`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** How long a start may take until it answers, in milliseconds. */
  readonly readyWithinMs: number;
  /** Rejects as long as the server doesn't answer as it should. */
  probe(): Promise<void>;
  /** Writes what the server needs into its directory and answers how it is started there. */
  prepare(directory: string): Promise<CommandLine>;
}

export interface Service {
  readonly name: string;
  /** In the order in which they are started, each when the one before it answers. */
  readonly servers: readonly Server[];
  /** Makes one of the servers, once they all answer. Idempotent. */
  form?(): Promise<void>;
}
