import type { UserId } from "../model/ids.js";
import type { Connection } from "./connection.js";
import type { Allowance } from "./token-bucket.js";

const NOBODY: readonly Connection[] = [];

/** The connections of this node, by number and by user, and what each user may still do. */
export class Directory {
  private readonly byId = new Map<number, Connection>();
  /** Mostly one each: a set would be larger than all the rest. */
  private readonly byUser = new Map<UserId, readonly Connection[]>();
  /** Outlives a user's connections until it is full again, so that coming back doesn't refill it. */
  private readonly allowances = new Map<UserId, Allowance>();

  constructor(private readonly allowance: (user: UserId, now: number) => Allowance) {}

  get size(): number {
    return this.byId.size;
  }

  get users(): number {
    return this.byUser.size;
  }

  get(id: number): Connection | undefined {
    return this.byId.get(id);
  }

  of(user: UserId): readonly Connection[] {
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
    this.byUser.set(connection.user, [...this.of(connection.user), connection]);
  }

  remove(connection: Connection, now: number): void {
    this.byId.delete(connection.id);
    const { user } = connection;
    const left = this.of(user).filter((other) => other !== connection);
    if (left.length > 0) this.byUser.set(user, left);
    else if (this.byUser.delete(user)) this.sweepAllowances(now);
  }

  /** Takes one of what a user may do. Answers 0, or the milliseconds until there is one again. */
  take(user: UserId, now: number): number {
    let allowance = this.allowances.get(user);
    if (allowance === undefined) {
      allowance = this.allowance(user, now);
      this.allowances.set(user, allowance);
    }
    return allowance.take(now);
  }

  /** Forgets full allowances of users who are gone: a few for each user who goes, so that they can't pile up. */
  private sweepAllowances(now: number): void {
    let looked = 0;
    for (const [user, allowance] of this.allowances) {
      if (!this.byUser.has(user) && allowance.full(now)) this.allowances.delete(user);
      else {
        // Looked at again after all others.
        this.allowances.delete(user);
        this.allowances.set(user, allowance);
      }
      if (++looked === 4) return;
    }
  }
}
