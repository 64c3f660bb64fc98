import {
  ChatError,
  CONTRACT,
  type ConnectionRegistry,
  type LiveConnection,
  type NodeHandlers,
  type NodeSession,
} from "sentseen/ports";
import type { Servers } from "../link/servers.js";
import { Entries } from "./entries.js";
import { RedisNode } from "./node.js";
import { RegistryKeys } from "./registry-keys.js";

export interface RedisRegistryOptions {
  readonly servers: Servers;
  readonly prefix: string;
  readonly vanishMs: number;
  readonly probeMs: number;
}

/** Over how much of a cluster users are spread; where there is one server there is nothing to spread. */
const CLUSTER_BUCKETS = 64;

/** A registry for the nodes of a cluster, in Redis. */
export class RedisRegistry implements ConnectionRegistry {
  readonly contract = CONTRACT;
  readonly scope = "cluster";

  readonly #options: RedisRegistryOptions;
  readonly #nodes = new Set<RedisNode>();
  #opened: { readonly keys: RegistryKeys; readonly entries: Entries } | null = null;

  constructor(options: RedisRegistryOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { servers, prefix, vanishMs } = this.#options;
    await servers.open();
    const keys = new RegistryKeys(prefix, servers.clustered ? CLUSTER_BUCKETS : 1);
    this.#opened = { keys, entries: new Entries(servers, keys, vanishMs) };
  }

  async close(): Promise<void> {
    this.#opened = null;
    await Promise.all([...this.#nodes].map((node) => node.leave()));
    this.#options.servers.close();
  }

  async join(server_id: string, handlers: NodeHandlers): Promise<NodeSession> {
    const { keys } = this.#mustBeOpen();
    if (server_id === "") {
      throw new ChatError("invalid", "A node needs a server_id.", { field: "server_id" });
    }
    const left = (node: RedisNode) => this.#nodes.delete(node);
    const node = await RedisNode.join(server_id, handlers, { ...this.#options, keys, left });
    this.#nodes.add(node);
    return node;
  }

  async lookup(users: readonly string[]): Promise<LiveConnection[][]> {
    const found = await this.#mustBeOpen().entries.lookup(users);
    return found.map((entries) =>
      entries.map(({ entry, beat }) => ({ ...entry, last_heartbeat: Math.floor(beat / 1_000) })),
    );
  }

  #mustBeOpen(): { readonly keys: RegistryKeys; readonly entries: Entries } {
    if (this.#opened === null) throw new ChatError("closed", "The Redis registry is not open.");
    return this.#opened;
  }
}
