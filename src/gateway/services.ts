import type { Subscriber } from "../delivery/feed.js";
import type { Probe } from "../log/probe.js";
import type { HistoryPage, HistoryRange } from "../messages/history.js";
import type { ConversationState } from "../model/conversation.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Limits } from "../model/limits.js";
import type { ContentType, Envelope } from "../model/message.js";
import type { Receipt, Watermarks } from "../model/receipt.js";
import type { ConnectionEntry, NodeSession } from "../ports/connection-registry.js";
import type { Offset, QueueItem } from "../ports/queue.js";
import type { Rate, RateLimiter } from "../ports/rate-limiter.js";
import type { DeviceRow } from "../ports/storage.js";
import type { DeviceInfo } from "../ports/stored.js";
import type { Authenticate } from "./authenticate.js";

/** A message on its way in, as the host's hook sees it. */
export interface Draft {
  readonly id: Uuid;
  readonly sender: UserId;
  readonly device: Uuid;
  readonly conversation: Uuid;
  /** In a direct conversation that the client named by its user. */
  readonly to?: UserId;
  readonly content_type: ContentType;
  readonly content: Uint8Array;
  readonly envelopes?: readonly Envelope[];
  readonly silent?: boolean;
  readonly mentions?: readonly UserId[];
}

/** What the hook decides: pass it (nothing), change what it carries, or refuse it with a reason for people. */
export type Verdict =
  | undefined
  | { readonly change: Partial<Pick<Draft, "content_type" | "content" | "envelopes" | "silent" | "mentions">> }
  | { readonly refuse: string };

export interface Hooks {
  /** Called for each message before it is stored, in the order of its device. */
  readonly beforeSend?: (draft: Draft) => Verdict | Promise<Verdict>;
  /** How long it may take, in milliseconds. */
  readonly deadlineMs: number;
  /** What happens to a message whose hook threw or took too long. */
  readonly onFailure: "refuse" | "pass";
}

/** Brings one connection what is in its mailbox, in order, once. */
export interface MailboxFeed {
  start(): void;
  /** The connection takes more again. */
  resume(): void;
  /** Delivers everything from after a position again. */
  restart(after: Offset): void;
  /** Whether the entry that the record at this offset made comes right after what was delivered, and needn't come. */
  isAt(offset: Offset): boolean;
}

/** The mailboxes of connected users, wherever their owner is. */
export interface Mailboxes {
  /** Connects a device; `gap` where its position can't be continued at. */
  attach(
    user: UserId,
    device: Uuid,
    info: DeviceInfo,
    position: Offset | undefined,
    subscriber: Subscriber,
  ): Promise<{ readonly feed: MailboxFeed; readonly gap: boolean; detach(): void }>;
  /** A device durably has everything up to a position. */
  acknowledge(user: UserId, device: Uuid, position: Offset): void;
  /** How far a connected device's acknowledgements have surely arrived. */
  acknowledged(user: UserId, device: Uuid): Offset;
  /**
   * The end of a connected user's mailbox: no entry lies beyond, however far its feed has got. When it is answered, no
   * entry that comes before what was acknowledged to the device is yet to come.
   */
  head(user: UserId, device: Uuid): Offset | Promise<Offset>;
}

/** The watermarks of conversations. */
export interface Receipts {
  /** A device reports how far its user has got. */
  report(user: UserId, conversation: Uuid, reported: Watermarks): void;
  /** The watermarks of all members. */
  of(state: ConversationState): Promise<readonly Receipt[]>;
}

/** What is kept of conversations. */
export interface History {
  readonly kept: boolean;
  read(conversation: Uuid, range: HistoryRange): Promise<HistoryPage>;
}

/** What conversations look like from outside the log. */
export interface Conversations {
  /** As of the last record, where it is in memory; undefined where storage would have to be asked. */
  held(id: Uuid): ConversationState | null | undefined;
  load(id: Uuid): Promise<ConversationState | null>;
  /** Ids of the conversations that a user is a member of, greater than `after`, ascending. */
  of(user: UserId, after: Uuid | null, limit: number): Promise<Uuid[]>;
}

/** Everything that the gateway needs of the rest. */
export interface Services {
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly limits: Limits;
  /** Commands of one user. */
  readonly rate: Rate;
  /** Where they are counted for all gateways together. */
  readonly rateLimiter: RateLimiter | null;
  readonly maxConnections: number;
  readonly authenticate: Authenticate;
  readonly origins: readonly string[] | "any" | "same-host";
  readonly hooks: Hooks;
  readonly mailboxes: Mailboxes;
  readonly receipts: Receipts;
  readonly history: History;
  readonly conversations: Conversations;
  readonly session: Pick<NodeSession, "register" | "unregister">;
  /** Ends, where it is, the connection whose device has made a newer one. */
  readonly takeOver: (replaced: ConnectionEntry) => void;
  readonly devices: (user: UserId) => Promise<readonly DeviceRow[]>;
  readonly publish: (items: readonly QueueItem[]) => Promise<void>;
  readonly probe: Probe;
  readonly events: {
    connected(connection: { user: UserId; device: Uuid }): void;
    disconnected(connection: { user: UserId; device: Uuid; close_code: number }): void;
    failed(error: unknown): void;
  };
}
