import type { UserId, Uuid } from "../model/ids.js";
import type { Receipt } from "../model/receipt.js";
import type { ConnectionRegistry } from "../ports/connection-registry.js";
import type { Offset } from "../ports/queue.js";
import type { NodeLink } from "./node-link.js";
import type { Push } from "./node-message.js";

/**
 * Sends what is for users to the nodes that they are connected to: one look-up for any number of users, one message
 * for each node. What doesn't arrive is found missing by the second look, or asked for again.
 */
export class Whereabouts {
  private receipts = new Map<UserId, Receipt[]>();

  constructor(
    private readonly registry: Pick<ConnectionRegistry, "lookup">,
    private readonly link: NodeLink,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Entries to all devices of their recipients. Never rejects. */
  async push(pushes: readonly Push[]): Promise<void> {
    const nodes = await this.nodesOf(pushes.flatMap(({ targets }) => targets.map(([user]) => user)));
    const byNode = new Map<string, Push[]>();
    for (const { position, value, targets } of pushes) {
      const here = new Map<string, [UserId, Offset | null][]>();
      for (const [user, previous] of targets) {
        for (const node of nodes.get(user) ?? []) grouped(here, node).push([user, previous]);
      }
      for (const [node, ofNode] of here) grouped(byNode, node).push({ position, value, targets: ofNode });
    }
    for (const [node, ofNode] of byNode) this.link.tell(node, { kind: "pushes", pushes: ofNode });
  }

  /** Tells those who are connected how far their mailboxes go, and answers who they are. */
  async look(heads: readonly (readonly [UserId, Offset])[]): Promise<readonly UserId[]> {
    const nodes = await this.nodesOf(heads.map(([user]) => user));
    const byNode = new Map<string, (readonly [UserId, Offset])[]>();
    for (const head of heads) for (const node of nodes.get(head[0]) ?? []) grouped(byNode, node).push(head);
    for (const [node, ofNode] of byNode) this.link.tell(node, { kind: "look", heads: ofNode });
    return [...nodes.keys()];
  }

  /** Watermarks to all devices of a user; those of one turn of the loop go together. */
  forward(user: UserId, receipts: readonly Receipt[]): void {
    if (this.receipts.size === 0) setImmediate(() => void this.forwardAll());
    grouped(this.receipts, user).push(...receipts);
  }

  private async forwardAll(): Promise<void> {
    const { receipts } = this;
    this.receipts = new Map();
    const nodes = await this.nodesOf([...receipts.keys()]);
    const byNode = new Map<string, (readonly [UserId, readonly Receipt[]])[]>();
    for (const [user, ofUser] of receipts) {
      for (const node of nodes.get(user) ?? []) grouped(byNode, node).push([user, ofUser]);
    }
    for (const [node, ofNode] of byNode) this.link.tell(node, { kind: "receipts", receipts: ofNode });
  }

  /** The devices of those who are connected. */
  async devicesOf(users: readonly UserId[]): Promise<Map<UserId, Set<Uuid>>> {
    const found = users.length === 0 ? [] : await this.registry.lookup(users);
    return new Map(users.map((user, i) => [user, new Set(found[i]?.map(({ device_id }) => device_id))]));
  }

  /** The nodes of those who are connected; nobody where the registry can't be asked. */
  private async nodesOf(users: readonly UserId[]): Promise<Map<UserId, Set<string>>> {
    const nodes = new Map<UserId, Set<string>>();
    const asked = [...new Set(users)];
    if (asked.length === 0) return nodes;
    try {
      const found = await this.registry.lookup(asked);
      asked.forEach((user, i) => {
        const connections = found[i] ?? [];
        if (connections.length > 0) nodes.set(user, new Set(connections.map(({ server_id }) => server_id)));
      });
    } catch (error) {
      this.failed(error);
    }
    return nodes;
  }
}

function grouped<Key, Item>(map: Map<Key, Item[]>, key: Key): Item[] {
  let items = map.get(key);
  if (items === undefined) {
    items = [];
    map.set(key, items);
  }
  return items;
}
