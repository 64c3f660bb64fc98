/**
 * The bounds that client and server agree on. A server tells its own in `welcome`; these are the defaults, and the
 * schema's hard ceilings are never below them.
 */
export interface Limits {
  /** Bytes of a message's `content`. */
  readonly content: number;
  /** Bytes of one WebSocket message after authentication. */
  readonly frame: number;
  /**
   * Commands that a device may have unacknowledged, counted from its oldest one. The server recognises a repeated
   * id among that many, so a client that keeps to it is never stored twice.
   */
  readonly in_flight: number;
  /** Members of a group whose messages are copied to each member's mailbox. */
  readonly group_members: number;
  /** Seconds without a sign of life after which the other side counts as gone. */
  readonly idle_seconds: number;
}

export const DEFAULT_LIMITS: Limits = {
  content: 65_536,
  frame: 262_144,
  in_flight: 64,
  group_members: 99,
  idle_seconds: 30,
};
