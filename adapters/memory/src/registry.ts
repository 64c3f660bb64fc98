import type {
  ConnectionEntry,
  ConnectionRegistry,
  LiveConnection,
  NodeHandlers,
  NodeSession,
} from "../../../src/ports/index.js";
import { ChatError, CONTRACT } from "../../../src/ports/index.js";
import { getOrMake } from "./get-or-make.js";
import { NodeInbox } from "./node-inbox.js";

/** A node whose last beat is older than this has vanished. */
const VANISHED_MS = 30_000;

export interface MemoryRegistryOptions {
  /** The time in milliseconds since 1970; default the system's clock. */
  readonly now?: () => number;
}

export interface MemoryRegistry extends ConnectionRegistry {
  /**
   * Stops a node's beat without its leaving, as a crash does: 30 s of the clock later its entries are answered no
   * more. For tests of what happens when a node vanishes.
   */
  silence(server_id: string): void;
}

/**
 * A registry for nodes of this process. As they live and die with it, they beat for as long as they are joined: no
 * timer is needed. All of it is forgotten by `close()`.
 */
export function memoryRegistry(options: MemoryRegistryOptions = {}): MemoryRegistry {
  return new Registry(options.now ?? Date.now);
}

class Registry implements MemoryRegistry {
  readonly contract = CONTRACT;
  readonly scope = "process";

  readonly #now: () => number;
  readonly #nodes = new Map<string, MemoryNode>();
  readonly #users = new Map<string, Map<string, ConnectionEntry>>();
  #generation = 0;
  #open = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  async open(): Promise<void> {
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
    for (const node of [...this.#nodes.values()]) await node.leave();
  }

  async join(server_id: string, handlers: NodeHandlers): Promise<NodeSession> {
    if (!this.#open) throw new ChatError("closed", "The memory registry is not open.");
    // The same id again is the next life of that node: what its last life left behind goes.
    await this.#nodes.get(server_id)?.leave();
    const node = new MemoryNode(this, server_id, handlers);
    this.#nodes.set(server_id, node);
    return node;
  }

  async lookup(users: readonly string[]): Promise<LiveConnection[][]> {
    return users.map((user) => {
      const found: LiveConnection[] = [];
      for (const entry of this.#users.get(user)?.values() ?? []) {
        const last_heartbeat = this.#lastBeat(entry.server_id);
        if (last_heartbeat !== null) found.push({ ...entry, last_heartbeat });
      }
      return found;
    });
  }

  silence(server_id: string): void {
    const node = this.#nodes.get(server_id);
    if (node !== undefined) node.silentSince ??= this.#now();
  }

  enter(connection: Omit<ConnectionEntry, "generation">): { entry: ConnectionEntry; replaced: ConnectionEntry | null } {
    const { user, device_id, server_id, connection_id } = connection;
    this.#generation++;
    const entry = { user, device_id, server_id, connection_id, generation: this.#generation };
    const devices = getOrMake(this.#users, user, () => new Map<string, ConnectionEntry>());
    const there = devices.get(device_id) ?? null;
    devices.set(device_id, entry);
    if (there !== null) this.#nodes.get(there.server_id)?.drop(there);
    return { entry, replaced: there !== null && this.#lastBeat(there.server_id) !== null ? there : null };
  }

  remove(entry: ConnectionEntry): void {
    const devices = this.#users.get(entry.user);
    if (devices?.get(entry.device_id)?.generation !== entry.generation) return;
    devices.delete(entry.device_id);
    if (devices.size === 0) this.#users.delete(entry.user);
  }

  forget(node: MemoryNode): void {
    if (this.#nodes.get(node.server_id) === node) this.#nodes.delete(node.server_id);
  }

  carry(server_id: string, bytes: Uint8Array): boolean {
    if (this.#lastBeat(server_id) === null) return false;
    this.#nodes.get(server_id)?.inbox.put(null, bytes);
    return true;
  }

  spread(topic: string, bytes: Uint8Array): void {
    for (const node of this.#nodes.values()) {
      if (node.topics.has(topic)) node.inbox.put(topic, bytes);
    }
  }

  /** When a node last showed life; null when it has vanished or was never there. */
  #lastBeat(server_id: string): number | null {
    const node = this.#nodes.get(server_id);
    if (node === undefined) return null;
    const now = this.#now();
    const beat = node.silentSince ?? now;
    return now - beat > VANISHED_MS ? null : beat;
  }
}

class MemoryNode implements NodeSession {
  readonly server_id: string;
  readonly inbox: NodeInbox;
  readonly topics = new Set<string>();
  silentSince: number | null = null;

  readonly #registry: Registry;
  readonly #entries = new Map<number, ConnectionEntry>();
  #left = false;

  constructor(registry: Registry, server_id: string, handlers: NodeHandlers) {
    this.#registry = registry;
    this.server_id = server_id;
    this.inbox = new NodeInbox(handlers);
  }

  async register(connection: Omit<ConnectionEntry, "server_id" | "generation">): Promise<{
    entry: ConnectionEntry;
    replaced: ConnectionEntry | null;
  }> {
    this.#mustBeJoined();
    const entered = this.#registry.enter({ ...connection, server_id: this.server_id });
    this.#entries.set(entered.entry.generation, entered.entry);
    return entered;
  }

  async unregister(entry: ConnectionEntry): Promise<void> {
    this.drop(entry);
    this.#registry.remove(entry);
  }

  /** The entry is no longer this node's to take away when it leaves. */
  drop(entry: ConnectionEntry): void {
    this.#entries.delete(entry.generation);
  }

  async send(server_id: string, bytes: Uint8Array): Promise<boolean> {
    this.#mustBeJoined();
    return this.#registry.carry(server_id, bytes);
  }

  async watch(topic: string): Promise<void> {
    this.#mustBeJoined();
    this.topics.add(topic);
  }

  async unwatch(topic: string): Promise<void> {
    this.topics.delete(topic);
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    this.#mustBeJoined();
    this.#registry.spread(topic, bytes);
  }

  async leave(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    this.inbox.end();
    this.topics.clear();
    for (const entry of this.#entries.values()) this.#registry.remove(entry);
    this.#entries.clear();
    this.#registry.forget(this);
  }

  #mustBeJoined(): void {
    if (this.#left) throw new ChatError("closed", `Node ${this.server_id} has left the registry.`);
  }
}
