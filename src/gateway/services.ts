import type { Mailboxes } from "../delivery/mailboxes.js";
import type { History } from "../messages/history.js";
import type { Probe } from "../messages/probe.js";
import type { ConversationState } from "../model/conversation.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Limits } from "../model/limits.js";
import type { ContentType, Envelope } from "../model/message.js";
import type { NodeSession } from "../ports/connection-registry.js";
import type { QueueItem } from "../ports/queue.js";
import type { DeviceRow } from "../ports/storage.js";
import type { Receipts } from "../receipts/receipts.js";
import type { Authenticate } from "./authenticate.js";
import type { Rate } from "./token-bucket.js";

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
  readonly maxConnections: number;
  readonly authenticate: Authenticate;
  readonly origins: readonly string[] | "any" | "same-host";
  readonly hooks: Hooks;
  readonly mailboxes: Mailboxes;
  readonly receipts: Receipts;
  readonly history: History;
  readonly conversations: Conversations;
  readonly session: NodeSession;
  readonly devices: (user: UserId) => Promise<readonly DeviceRow[]>;
  readonly publish: (items: readonly QueueItem[]) => Promise<void>;
  readonly probe: Probe;
  readonly events: {
    connected(connection: { user: UserId; device: Uuid }): void;
    disconnected(connection: { user: UserId; device: Uuid; close_code: number }): void;
    failed(error: unknown): void;
  };
}
