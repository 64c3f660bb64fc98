import type { Answer, RefusalCode } from "./command.js";
import type { ConversationState } from "./conversation.js";
import type { UserId } from "./ids.js";
import type { Entry } from "./message.js";

/** What a command does to its conversation: a pure function of the state before it and of the command. [R2] */
export type Decision =
  | {
      readonly answer: Extract<Answer, { ok: true }>;
      readonly next: ConversationState;
      readonly entry: Entry;
      /** Whose mailboxes get the entry. */
      readonly recipients: Iterable<UserId>;
    }
  | { readonly answer: Extract<Answer, { ok: false }>; readonly next: null };

export function refuse(code: RefusalCode, field?: string, limit?: number): Decision {
  const detail = { ...(field !== undefined && { field }), ...(limit !== undefined && { limit }) };
  return { answer: { ok: false, code, ...detail }, next: null };
}
