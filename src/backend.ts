import type { Conversations, History, Mailboxes, Receipts } from "./gateway/services.js";
import type { Counts } from "./log/counts.js";
import type { Writing } from "./log/flusher.js";
import type { Answer, Origin } from "./model/command.js";
import type { UserId, Uuid } from "./model/ids.js";
import type { Entry } from "./model/message.js";
import type { Receipt } from "./model/receipt.js";
import type { ConnectionEntry, NodeHandlers, NodeSession } from "./ports/connection-registry.js";
import type { Offset } from "./ports/queue.js";

/** Why a connection has to end, wherever it is: a newer one of its device took over, or the host wants it. */
export type EndOfEntry = "replaced" | "disconnected";

/** What a backend tells the server. */
export interface BackendEvents {
  /** The answer to a command that came in here. */
  answer(
    of: { readonly origin: Origin; readonly id: Uuid; readonly conversation: Uuid },
    answer: Answer,
    offset: Offset,
  ): void;
  /** A message or change was stored and acknowledged. */
  entry(entry: Entry): void;
  /** Watermarks for the live connections of a user here. */
  forward(user: UserId, receipts: readonly Receipt[]): void;
  /** A node asks for the end of a connection that is, or was, here. */
  end(entry: ConnectionEntry, why: EndOfEntry): void;
  /** The end of a run: what it produced may be sent. */
  turn(): void;
  failed(error: unknown): void;
  /** What is connected here has to begin anew: everything, or only what waits for an answer. */
  lost(what: "everything" | "answers"): void;
}

export interface BackendStats {
  /** Mailboxes that are held in memory: of those connected, and of those with entries not yet written. */
  readonly mailboxes: number;
  /** Entries that are in memory only; the log holds them too where it is durable. */
  readonly pending_entries: number;
  readonly pending_bytes: number;
  /**
   * The last record that was applied, of all partitions that are this node's, and the last one up to which the rows of
   * all are written: the same where nothing waits.
   */
  readonly applied: Offset;
  readonly checkpoint: Offset;
  /** Records that couldn't be applied for their own sake. */
  readonly dead_letters: number;
}

/** A partition that is this process's own just now. */
export interface OwnedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The last record that was applied. */
  readonly applied: Offset;
  readonly writing: Writing;
}

/** Everything behind the gateway: the log's roles in this process, or on other nodes. */
export interface Backend {
  /** What comes from other nodes by the registry. */
  readonly handlers: NodeHandlers;
  /** Begins its work. The session is that of this node. */
  start(session: NodeSession): Promise<void>;
  /** Writes everything that it holds, and ends. */
  stop(): Promise<void>;
  readonly mailboxes: Mailboxes;
  readonly receipts: Receipts;
  readonly history: History;
  readonly conversations: Conversations;
  /** Tells the node of a connection to end it, at most once. */
  end(entry: ConnectionEntry, why: EndOfEntry): void;
  /** Forgets a device: what waited only for it goes. */
  removeDevice(user: UserId, device: Uuid): Promise<void>;
  stats(): BackendStats;
  /** What was counted of each topic that is read here. */
  counted(): ReadonlyMap<string, Counts>;
  owned(): OwnedPartition[];
}
