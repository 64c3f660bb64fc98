import type { ChatError } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { ContentType, Entry, GroupChange, Message } from "../model/message.js";

/**
 * How far a message has got. For the user's own messages: `queued` is durably in the outbox; `sent` is stored by the
 * server; `delivered` is on some device of every other member that may see it; `read` likewise; `failed` was refused
 * for good. For the messages of others: `delivered`, or `read` once this user has read so far.
 */
export type Status = "queued" | "sent" | "delivered" | "read" | "failed";

interface Shown {
  readonly conversation: Uuid;
  /** The place in the conversation's order; absent until the server has given one. */
  readonly seq?: number;
  readonly id: Uuid;
  readonly sender: UserId;
  readonly sender_device: Uuid;
  /** Milliseconds since 1970: the server's time, or this device's until the server has given one. For display only. */
  readonly timestamp: number;
}

/** A message as it stood when it was handed out: a later status comes with a new object, in a `status` event. */
export interface ChatMessage extends Shown {
  readonly type: "message";
  readonly status: Status;
  /** Whether this user sent it, from whichever device. */
  readonly own: boolean;
  /** In a direct conversation: the user it was sent to. */
  readonly to?: UserId;
  readonly content_type: ContentType;
  readonly content: Uint8Array;
  /** The content as text, where `content_type` is text or event; empty otherwise. */
  readonly text: string;
  /** The part that the sender made for this device only. */
  readonly envelope?: Uint8Array;
  readonly silent?: boolean;
  readonly mentions?: readonly UserId[];
  /** Why it failed, where it did. */
  readonly error?: ChatError;
}

/** A change of a group, at its place in the conversation. */
export interface ChatChange extends Shown {
  readonly type: "change";
  readonly seq: number;
  readonly change: GroupChange;
}

/** Whatever has its place in a conversation. */
export type ChatEntry = ChatMessage | ChatChange;

/** A message as a store keeps it: without the parts that were for other devices. */
export type StoredMessage = Omit<Message, "envelopes"> & { readonly envelope?: Uint8Array };
export type StoredEntry = StoredMessage | Extract<Entry, { type: "change" }>;

// A byte order mark at the beginning is part of the text.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What the application sees of a message. */
export function showMessage(
  message: Omit<StoredMessage, "seq"> & { readonly seq?: number },
  own: boolean,
  status: Status,
  error?: ChatError,
): ChatMessage {
  const { content, content_type } = message;
  const text = content_type === "text" || content_type === "event" ? utf8.decode(content) : "";
  return { ...message, own, status, text, ...(error !== undefined && { error }) };
}
