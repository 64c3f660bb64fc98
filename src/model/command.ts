import type { UserId, Uuid } from "./ids.js";
import type { ContentType, Envelope, Role } from "./message.js";

/** What a command asks of its conversation. */
export type Action =
  | {
      readonly type: "send";
      /** Names the other user of a direct conversation, which is made by its first message. */
      readonly to?: UserId;
      readonly content_type: ContentType;
      readonly content: Uint8Array;
      readonly envelopes?: readonly Envelope[];
      readonly silent?: boolean;
      readonly mentions?: readonly UserId[];
    }
  | { readonly type: "create"; readonly name: string; readonly users: readonly UserId[] }
  | { readonly type: "rename"; readonly name: string }
  | { readonly type: "add"; readonly users: readonly UserId[] }
  | { readonly type: "remove"; readonly users: readonly UserId[] }
  | { readonly type: "leave" }
  | { readonly type: "role"; readonly user: UserId; readonly role: Role };

/**
 * One record of the log: everything that decides its outcome, beside the state that the log itself made. Whatever
 * could come out differently a second time (time, limits, hooks) was settled before it was published. [R2]
 */
export interface Command {
  readonly conversation: Uuid;
  /** Made by the client; repeated unchanged when the client repeats the command. */
  readonly id: Uuid;
  readonly sender: UserId;
  readonly device: Uuid;
  /** Milliseconds since 1970, stamped by the gateway. */
  readonly timestamp: number;
  /** Where the answer goes. Means nothing in another life of the node. */
  readonly origin: Origin;
  /** False where the sender has no device that could want a copy: the host sends as a bot. */
  readonly own_copy: boolean;
  readonly action: Action;
}

export interface Origin {
  readonly node: string;
  readonly connection: number;
  readonly ref: number;
}

/** Why the state machine refuses a command. */
export type RefusalCode = "not_found" | "not_member" | "forbidden" | "already_exists" | "group_full" | "invalid";

/** What a command came to. A refusal is an answer too: it is remembered and repeated like any other. */
export type Answer =
  | { readonly ok: true; readonly seq: number; readonly timestamp: number }
  | { readonly ok: false; readonly code: RefusalCode; readonly field?: string; readonly limit?: number };
