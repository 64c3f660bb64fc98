import { randomUUID } from "node:crypto";
import type { ConnectionEntry, ConnectionRegistry, NodeHandlers, NodeSession } from "sentseen/ports";

export function some(name: string): string {
  return `${name}-${randomUUID()}`;
}

/** A node that notes what it gets. */
export class Node implements NodeHandlers {
  readonly got: string[] = [];
  losses = 0;

  private constructor(
    readonly id: string,
    private readonly joined: () => NodeSession,
  ) {}

  static async join(registry: ConnectionRegistry, id = some("node")): Promise<Node> {
    let session: NodeSession | undefined;
    const node = new Node(id, () => session as NodeSession);
    session = await registry.join(id, node);
    return node;
  }

  get session(): NodeSession {
    return this.joined();
  }

  message(bytes: Uint8Array): void {
    this.got.push(Buffer.from(bytes).toString());
  }

  topic(topic: string, bytes: Uint8Array): void {
    this.got.push(`${topic}: ${Buffer.from(bytes)}`);
  }

  lost(): void {
    this.losses++;
  }

  async register(user: string, device_id: string, connection_id = 1): Promise<ConnectionEntry> {
    return (await this.session.register({ user, device_id, connection_id })).entry;
  }
}

/** The live connections of a user, as "server_id/connection_id". */
export async function placesOf(registry: ConnectionRegistry, user: string): Promise<string[]> {
  const [entries = []] = await registry.lookup([user]);
  return entries.map(({ server_id, connection_id }) => `${server_id}/${connection_id}`);
}
