import type { UserId } from "../model/ids.js";
import type { Connection } from "./connection.js";
import { type Rate, TokenBucket } from "./token-bucket.js";

const NOBODY: ReadonlySet<Connection> = new Set();

/** The connections of this node, by number and by user, and what each user may still do. */
export class Directory {
  private readonly byId = new Map<number, Connection>();
  private readonly byUser = new Map<UserId, Set<Connection>>();
  /** Outlives a user's connections until it is full again, so that coming back doesn't refill it. */
  private readonly buckets = new Map<UserId, TokenBucket>();

  get size(): number {
    return this.byId.size;
  }

  get users(): number {
    return this.byUser.size;
  }

  get(id: number): Connection | undefined {
    return this.byId.get(id);
  }

  of(user: UserId): ReadonlySet<Connection> {
    return this.byUser.get(user) ?? NOBODY;
  }

  all(): IterableIterator<Connection> {
    return this.byId.values();
  }

  add(connection: Connection): void {
    this.byId.set(connection.id, connection);
  }

  /** The connection's user is known now. */
  identify(connection: Connection): void {
    const connections = this.byUser.get(connection.user);
    if (connections === undefined) this.byUser.set(connection.user, new Set([connection]));
    else connections.add(connection);
  }

  remove(connection: Connection, now: number): void {
    this.byId.delete(connection.id);
    const connections = this.byUser.get(connection.user);
    if (connections?.delete(connection) && connections.size === 0) {
      this.byUser.delete(connection.user);
      this.sweepBuckets(now);
    }
  }

  /** Takes one of what a user may do. Answers 0, or the milliseconds until there is one again. */
  take(user: UserId, rate: Rate, now: number): number {
    let bucket = this.buckets.get(user);
    if (bucket === undefined) {
      bucket = new TokenBucket(rate, now);
      this.buckets.set(user, bucket);
    }
    return bucket.take(now);
  }

  /** Forgets full buckets of users who are gone: a few for each user who goes, so that they can't pile up. */
  private sweepBuckets(now: number): void {
    let looked = 0;
    for (const [user, bucket] of this.buckets) {
      if (!this.byUser.has(user) && bucket.full(now)) this.buckets.delete(user);
      else {
        // Looked at again after all others.
        this.buckets.delete(user);
        this.buckets.set(user, bucket);
      }
      if (++looked === 4) return;
    }
  }
}
