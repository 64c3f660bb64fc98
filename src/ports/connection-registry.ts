import type { UserId, Uuid } from "../model/ids.js";
import type { Adapter } from "./scope.js";

/** Where a device is connected. */
export interface ConnectionEntry {
  readonly user: UserId;
  readonly device_id: Uuid;
  readonly server_id: string;
  readonly connection_id: number;
  /** Grows with every connection that the device makes, on whatever node. */
  readonly generation: number;
}

/** An entry as it is looked up. */
export interface LiveConnection extends ConnectionEntry {
  /** Milliseconds since 1970: the last sign of life of the entry's node. */
  readonly last_heartbeat: number;
}

export interface NodeHandlers {
  /** Bytes that some node sent to this one. Order is kept between two nodes as long as none is lost. */
  message(bytes: Uint8Array): void;
  /** Bytes published to a topic that this node watches. */
  topic(topic: string, bytes: Uint8Array): void;
  /** Bytes may have been lost: whoever relies on them looks at positions now. */
  lost(): void;
}

/** One node's own view of the registry. */
export interface NodeSession {
  /**
   * Enters a connection and gives it its generation. Answers the entry it replaces, if the device had one, so that
   * its node can close that socket; null otherwise.
   */
  register(connection: Omit<ConnectionEntry, "server_id" | "generation">): Promise<{
    readonly entry: ConnectionEntry;
    readonly replaced: ConnectionEntry | null;
  }>;
  /** Removes exactly this entry: one with another generation stays. Idempotent. */
  unregister(entry: ConnectionEntry): Promise<void>;
  /** Carries bytes to a node, at most once. Answers false where the node is known to be gone. */
  send(server_id: string, bytes: Uint8Array): Promise<boolean>;
  watch(topic: string): Promise<void>;
  unwatch(topic: string): Promise<void>;
  /** Carries bytes to every node that watches the topic, this one too, at most once each. */
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  /** Leaves: the node's entries vanish at once. Idempotent. */
  leave(): Promise<void>;
}

/**
 * Who is connected where.
 *
 * - *Soft state*: all of it may be lost at any time; nodes enter their connections again and `lost` is called.
 * - *Vanishing*: entries of a node that stopped beating are never answered once its beat is older than 30 s.
 * - *Takeover*: of two entries of one device the greater generation wins, in whatever order they arrive.
 * - *Cost*: `lookup` takes one round trip for any number of users.
 */
export interface ConnectionRegistry extends Adapter {
  join(server_id: string, handlers: NodeHandlers): Promise<NodeSession>;
  /** The live connections of each user, in the order asked. */
  lookup(users: readonly UserId[]): Promise<LiveConnection[][]>;
}
