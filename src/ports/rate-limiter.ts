import type { UserId } from "../model/ids.js";
import type { Adapter } from "./scope.js";

/** So many a second on average, so many at once. */
export interface Rate {
  readonly per_second: number;
  readonly burst: number;
}

/** What a user may do of what was asked for. */
export interface Grant {
  /** How many; a whole number from 0 to what was asked for. */
  readonly granted: number;
  /** Milliseconds until there is one more; 0 where everything was granted. */
  readonly wait: number;
}

/**
 * Counts what users do on all gateways together. A gateway takes some for each user in advance, so nothing that a user
 * does waits for it.
 *
 * - *Never too many*: of any number of calls, together they grant a user what the rate allows and no more.
 * - *Soft state*: all of it may be lost at any time; a user's whole burst is there again then.
 * - *Cost*: one round trip for any number of users, or one to each server that has some of them.
 */
export interface RateLimiter extends Adapter {
  /** What becomes of users' commands while it can't be asked: "pass" counts on each gateway alone. */
  readonly whenAway: "pass" | "refuse";
  /** Takes up to so many for each user; whole numbers from 1. Rejects with `store_unavailable`. */
  take(rate: Rate, wanted: ReadonlyMap<UserId, number>): Promise<ReadonlyMap<UserId, Grant>>;
}
