import { registryScripts } from "../link/lua-files.js";
import type { Servers } from "../link/servers.js";
import type { NodeLife } from "./entries.js";
import type { RegistryKeys } from "./registry-keys.js";

/** Every so many beats, nodes are dropped that haven't beaten for long. */
const CLEAN_EVERY = 64;

/** How long after it vanished a node is dropped, as a multiple of the time after which it vanishes. */
const CLEAN_AFTER = 10;

/** What a round of beats found, over all buckets. */
export interface Beat {
  /** Every bucket was reached. */
  readonly whole: boolean;
  /** Some bucket doesn't remember the last beat, or couldn't be reached. */
  readonly forgotten: boolean;
  /** A later life of this node has begun. */
  readonly superseded: boolean;
}

export interface HeartOptions {
  readonly servers: Servers;
  readonly keys: RegistryKeys;
  readonly node: NodeLife;
  readonly vanishMs: number;
}

/** Shows in every bucket that a node is alive, and sees there whether it was forgotten meanwhile. */
export class Heart {
  readonly #options: HeartOptions;
  #count = 0;

  constructor(options: HeartOptions) {
    this.#options = options;
  }

  async beat(): Promise<Beat> {
    const { servers, keys, node, vanishMs } = this.#options;
    this.#count++;
    const drop = this.#count % CLEAN_EVERY === 0 ? vanishMs * CLEAN_AFTER * 1_000 : 0;
    const args = [node.server_id, node.life, this.#count, drop];
    const answers = await Promise.allSettled(
      Array.from({ length: keys.buckets }, (_, bucket) =>
        registryScripts.beat.run(servers, [keys.nodes(bucket)], args),
      ),
    );
    const said = answers.map((answer) => (answer.status === "fulfilled" ? String(answer.value) : "unreached"));
    return {
      whole: !said.includes("unreached"),
      forgotten: said.includes("forgotten") || said.includes("unreached"),
      superseded: said.includes("superseded"),
    };
  }

  /** The node is gone from every bucket that can be reached. */
  async stop(): Promise<void> {
    const { servers, keys, node } = this.#options;
    await Promise.allSettled(
      Array.from({ length: keys.buckets }, (_, bucket) =>
        registryScripts.leave.run(servers, [keys.nodes(bucket)], [node.server_id, node.life]),
      ),
    );
  }
}
