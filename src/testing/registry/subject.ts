import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type {
  ConnectionEntry,
  ConnectionRegistry,
  LiveConnection,
  NodeHandlers,
  NodeSession,
} from "../../ports/connection-registry.js";
import type { Clause, Fixture } from "../contract.js";

/** `vanishing`: the fixture can make a node stop beating and let the time pass after which its entries are gone. */
export type RegistryCapability = "vanishing";

/** A registry for one test. */
export interface RegistryFixture extends Fixture<ConnectionRegistry> {
  /** The same registry as another process sees it, where there can be one; by default the adapter itself. */
  readonly other?: ConnectionRegistry;
  /** Stops a node's beat as a crash does, and lets more than 30 s pass, by whatever clock the adapter goes. */
  vanish?(server_id: string): Promise<void>;
}

/** What a clause gets: the fixture and how long it waits for what must come. */
export interface RegistrySubject extends RegistryFixture {
  readonly patienceMs: number;
}

export type RegistryClause = Clause<RegistrySubject, RegistryCapability>;

/** A name that no other test has. */
export function some(name: string): string {
  return `${name}-${randomUUID()}`;
}

/** A node that notes what it gets. */
export class Node implements NodeHandlers {
  readonly id = some("node");
  readonly messages: string[] = [];
  readonly topics: string[] = [];
  losses = 0;
  #session: NodeSession | null = null;

  /** Joins a registry with a node of a new id. */
  static async join(registry: ConnectionRegistry): Promise<Node> {
    const node = new Node();
    node.#session = await registry.join(node.id, node);
    return node;
  }

  get session(): NodeSession {
    assert.ok(this.#session);
    return this.#session;
  }

  message(bytes: Uint8Array): void {
    this.messages.push(new TextDecoder().decode(bytes));
  }

  topic(topic: string, bytes: Uint8Array): void {
    this.topics.push(`${topic}: ${new TextDecoder().decode(bytes)}`);
  }

  lost(): void {
    this.losses++;
  }

  async register(user: string, device_id: string, connection_id = 1): Promise<ConnectionEntry> {
    return (await this.session.register({ user, device_id, connection_id })).entry;
  }
}

export function bytes(text: string | number): Uint8Array {
  return new TextEncoder().encode(String(text));
}

/** The live connections of one user, without their heartbeats, by generation. */
export async function live(registry: ConnectionRegistry, user: string): Promise<ConnectionEntry[]> {
  const [found] = await registry.lookup([user]);
  return (found ?? []).map(withoutBeat).sort((one, other) => one.generation - other.generation);
}

export function withoutBeat({ last_heartbeat: _, ...entry }: LiveConnection): ConnectionEntry {
  return entry;
}
