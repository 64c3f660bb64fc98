import type { UserId, Uuid } from "./ids.js";
import type { Role } from "./message.js";

export type ConversationKind = "direct" | "group";

export interface Member {
  readonly role: Role;
  /** The first `seq` that the member may see. */
  readonly joined: number;
}

/**
 * What the state machine holds of a conversation: all that decides the outcome of its next command. Stored whole, in
 * one row, so that it and its members change together. [R2 a]
 */
export interface ConversationState {
  readonly id: Uuid;
  readonly kind: ConversationKind;
  readonly name: string;
  /** The last `seq` given; 0 before the first. */
  readonly head: number;
  /** The last timestamp given. */
  readonly timestamp: number;
  /** The `seq` of the last change of name, members or roles. */
  readonly version: number;
  /** The queue's offset of the last command that changed this state. */
  readonly offset: number;
  readonly members: ReadonlyMap<UserId, Member>;
}
