import type { UserId, Uuid } from "./ids.js";

/**
 * How far a user has got in a conversation. Both only grow, whatever order they arrive in; `read` never passes
 * `delivered`, and neither passes the conversation's head.
 */
export interface Watermarks {
  /** Some device of the user has every entry up to this `seq`. */
  readonly delivered: number;
  /** The user has read up to this `seq`. */
  readonly read: number;
}

export interface Receipt extends Watermarks {
  readonly conversation: Uuid;
  readonly user: UserId;
}

/** The least watermarks that cover both. */
export function mergeWatermarks(one: Watermarks, other: Watermarks): Watermarks {
  const read = Math.max(one.read, other.read);
  return { delivered: Math.max(one.delivered, other.delivered, read), read };
}
