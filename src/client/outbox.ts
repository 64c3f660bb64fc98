import { ChatError } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { GroupChange } from "../model/message.js";
import type { Events } from "./events.js";
import { type ChatMessage, type StoredEntry, type StoredMessage, showMessage } from "./message.js";
import { statusOf } from "./status.js";
import type { CommandFrame, ConversationRow, OutboxRow } from "./stores/store.js";
import { sizeOf, type Transaction } from "./transaction.js";

/** Commands and bytes that wait at most: what comes beyond is refused, not dropped. */
const COMMANDS = 10_000;
const BYTES = 67_108_864;
/** Outcomes that are remembered for who asks late. */
const REMEMBERED = 1_000;

/** What a command came to: for a message, the message; for whatever was refused, the reason. */
export interface Outcome {
  readonly message?: ChatMessage;
  readonly error?: ChatError;
}

interface Waiter {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: ChatError) => void;
}

/**
 * The commands that the server has not answered for good, in the order in which they were given. A row is there
 * before its `send` resolves, and goes in the same step that stores what became of it.
 */
export interface Outbox {
  /** Adds a command behind all others. Throws `overloaded` where there is no more room. */
  queue(tx: Transaction, command: Omit<OutboxRow, "order">): OutboxRow;
  /** The server has stored a command: it leaves the outbox. Answers the entry that it became. */
  acknowledge(tx: Transaction, row: OutboxRow, place: { seq: number; timestamp: number }, self: UserId): StoredEntry;
  /** The server has refused a command for good. */
  fail(tx: Transaction, row: OutboxRow, error: ChatError, self: UserId): void;
  /** Resolves with what becomes of a command; rejects with `not_found` where it isn't `waiting` and not remembered. */
  outcome(id: Uuid, waiting: boolean): Promise<Outcome>;
  close(): void;
}

/** `left` is told when a command has left the outbox. */
export function createOutbox(events: Events, left: (id: Uuid) => void): Outbox {
  const waiters = new Map<Uuid, Waiter[]>();
  const outcomes = new Map<Uuid, Outcome>();
  /** Answered, in a step that has not landed yet. */
  const leaving = new Set<Uuid>();

  function leave(tx: Transaction, row: OutboxRow, { message: sent, error }: Outcome): void {
    const { id, frame, conversation } = row;
    // A watermark before it has taken it further already; what one behind it in the same step does is told in its turn.
    const message = sent && withStatus(sent, tx.conversation(conversation));
    tx.answer(row);
    leaving.add(id);
    tx.after(() => {
      const outcome = { ...(message && { message }), ...(error && { error }) };
      leaving.delete(id);
      outcomes.set(id, outcome);
      for (const oldest of outcomes.keys()) {
        if (outcomes.size > REMEMBERED) outcomes.delete(oldest);
        else break;
      }
      const waiting = waiters.get(id) ?? [];
      waiters.delete(id);
      for (const { resolve } of waiting) resolve(outcome);
      left(id);
      if (message !== undefined) events.emit("status", message);
      // After a restart nobody waits for a change of a group that was asked for before.
      if (error !== undefined && frame.type !== "send" && waiting.length === 0) events.emit("error", error);
    });
  }

  return {
    queue(tx, command) {
      const row = { ...command, order: tx.meta.order };
      const { commands, bytes } = tx.waiting();
      if (commands >= COMMANDS || bytes + sizeOf(row) > BYTES) {
        throw new ChatError("overloaded", "The outbox is full.", { field: "outbox" });
      }
      tx.meta = { ...tx.meta, order: row.order + 1 };
      tx.queue(row);
      return row;
    },
    acknowledge(tx, row, { seq, timestamp }, self) {
      const { device } = tx.meta;
      const { id, conversation, frame } = row;
      if (frame.type === "send") {
        const entry = { ...messageOf(row, self, device), seq, timestamp };
        leave(tx, row, { message: showMessage(entry, true, "sent") });
        return entry;
      }
      leave(tx, row, {});
      const change = changeOf(frame, self, tx.conversation(conversation)?.members);
      return { type: "change", conversation, seq, id, sender: self, sender_device: device, timestamp, change };
    },
    fail(tx, row, error, self) {
      leave(
        tx,
        row,
        row.frame.type === "send" ? { message: showRow(row, self, tx.meta.device, error), error } : { error },
      );
    },
    outcome(id, waiting) {
      const known = outcomes.get(id);
      return new Promise((resolve, reject) => {
        if (known !== undefined) resolve(known);
        else if (!waiting && !leaving.has(id))
          reject(new ChatError("not_found", `${id} is not waiting.`, { field: "id" }));
        else waiters.set(id, [...(waiters.get(id) ?? []), { resolve, reject }]);
      });
    },
    close() {
      for (const { reject } of [...waiters.values()].flat()) reject(new ChatError("closed"));
      waiters.clear();
    },
  };
}

function withStatus(message: ChatMessage, row: ConversationRow | undefined): ChatMessage {
  const { seq } = message;
  return row === undefined || seq === undefined ? message : { ...message, status: statusOf(row, seq, true) };
}

/** A message of the outbox as the application sees it. */
export function showRow(row: OutboxRow, self: UserId, device: Uuid, error?: ChatError): ChatMessage {
  return showMessage(messageOf(row, self, device), true, error === undefined ? "queued" : "failed", error);
}

function messageOf(row: OutboxRow, self: UserId, device: Uuid): Omit<StoredMessage, "seq"> {
  const { frame, id, conversation, created_at: timestamp, plain } = row;
  if (frame.type !== "send") throw new TypeError(frame.type);
  const { user, content_type, content, silent, mentions } = frame;
  return {
    type: "message",
    conversation,
    id,
    sender: self,
    sender_device: device,
    timestamp,
    content_type,
    content: plain ?? content,
    ...(user !== undefined && { to: user }),
    ...(silent !== undefined && { silent }),
    ...(mentions !== undefined && { mentions }),
  };
}

/** What a command that was carried out did to its group, which was as the sender knew it. */
function changeOf(
  frame: Exclude<CommandFrame, { type: "send" }>,
  self: UserId,
  members: ConversationRow["members"],
): GroupChange {
  switch (frame.type) {
    case "group.create":
      return { kind: "created", name: frame.name, users: [...new Set([self, ...frame.users])] };
    case "group.rename":
      return { kind: "renamed", name: frame.name };
    case "group.add":
      return { kind: "added", users: frame.users.filter((user) => members?.has(user) !== true) };
    case "group.remove":
      return { kind: "removed", users: frame.users };
    case "group.leave":
      return { kind: "left" };
    case "group.role":
      return { kind: "role", user: frame.user, role: frame.role };
  }
}
