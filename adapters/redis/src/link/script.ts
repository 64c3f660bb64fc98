import { createHash } from "node:crypto";
import type { Argument } from "../client/connection.js";
import { unavailable } from "./failure.js";
import type { Servers } from "./servers.js";

/** An operation that runs inside of Redis. Its keys all have one tag, so they are on one server. */
export class Script {
  readonly #text: string;
  readonly #sha: string;

  /** The text may consist of parts: what several scripts begin with, and the script. */
  constructor(...texts: string[]) {
    this.#text = texts.join("\n");
    this.#sha = createHash("sha1").update(this.#text).digest("hex");
  }

  /** Runs it where its first key is. A server that has never seen the script refuses, and gets the whole text. */
  async run(servers: Servers, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const [first = ""] = keys;
    const rest = [keys.length, ...keys, ...args];
    try {
      return await servers.call(first, ["EVALSHA", this.#sha, ...rest]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    }
    try {
      return await servers.call(first, ["EVAL", this.#text, ...rest]);
    } catch (error) {
      throw unavailable("Redis failed", error);
    }
  }
}
