import type { UserId } from "../model/ids.js";
import type { Grant, Rate, RateLimiter } from "../ports/rate-limiter.js";
import { type Allowance, TokenBucket } from "./token-bucket.js";

/** How long, in seconds, a share lasts a user who does as much as the rate allows. */
const SHARE_SECONDS = 0.25;
/** Between two questions while the limiter doesn't answer, in milliseconds; so long commands are told to wait then. */
const AWAY_MS = 1_000;
/** How long (ms) a command is told to wait for an answer that is on its way. */
const ASKED_MS = 100;
/** Users whose shares are asked for at once, at most. */
const USERS_AT_ONCE = 1_000;

/**
 * A gateway's shares of what users may do on all gateways together. A share is a quarter of a second of the rate, a
 * tenth of the burst at most, and is asked for when half of the last one is used, together with those of others.
 *
 * A user may do up to one share on credit, so nothing waits for the answer; the credit is part of the next share. So
 * on `n` gateways a user does at most `n` shares, used or on credit, beyond the burst, and never more on average.
 */
export class SharedAllowances {
  readonly share: number;
  private readonly wanting = new Set<SharedAllowance>();
  private asking = false;

  constructor(
    readonly rate: Rate,
    private readonly limiter: RateLimiter,
    private readonly failed: (error: unknown) => void,
    private readonly clock: () => number,
  ) {
    this.share = Math.max(1, Math.floor(Math.min(rate.per_second * SHARE_SECONDS, rate.burst / 10)));
  }

  of(user: UserId, now: number): Allowance {
    return new SharedAllowance(user, this, this.limiter.whenAway === "pass" ? new TokenBucket(this.rate, now) : null);
  }

  /** Asks with the others of this turn, or when the answer to those before has come. */
  want(allowance: SharedAllowance): void {
    this.wanting.add(allowance);
    if (this.asking) return;
    this.asking = true;
    setImmediate(() => void this.ask());
  }

  private async ask(): Promise<void> {
    while (this.wanting.size > 0) {
      const asked = [...this.wanting].slice(0, USERS_AT_ONCE);
      for (const allowance of asked) this.wanting.delete(allowance);
      const wanted = new Map(asked.map((allowance) => [allowance.user, allowance.wanted]));
      let grants: ReadonlyMap<UserId, Grant> | null = null;
      try {
        grants = await this.limiter.take(this.rate, wanted);
      } catch (error) {
        this.failed(error);
      }
      const now = this.clock();
      for (const allowance of asked) {
        const grant = grants?.get(allowance.user);
        if (grant === undefined) allowance.unanswered(now);
        else allowance.answered(grant, now);
      }
    }
    this.asking = false;
  }
}

/** One user's part of the shares of this gateway. */
class SharedAllowance implements Allowance {
  /** What is left of the last share; below 0 what was done on credit. */
  private left = 0;
  private asked = false;
  /** Until when there is no use in asking. */
  private notBefore = Number.NEGATIVE_INFINITY;
  private answeredAt = Number.NEGATIVE_INFINITY;
  private away = false;

  constructor(
    readonly user: UserId,
    private readonly of: SharedAllowances,
    /** What counts while the limiter is away; null where nothing passes then. */
    private readonly alone: TokenBucket | null,
  ) {}

  get wanted(): number {
    return this.of.share - this.left;
  }

  take(now: number): number {
    // A clock that jumped back is followed at once: waiting for it to catch up would keep the user from everything.
    if (now < this.answeredAt) this.notBefore = now;
    const may = now >= this.notBefore;
    if (may && !this.asked && this.left <= this.of.share / 2) {
      this.asked = true;
      this.of.want(this);
    }
    if (this.away && this.left <= 0) return this.alone === null ? AWAY_MS : this.alone.take(now);
    if (this.left <= 0 && !may) return Math.ceil(this.notBefore - now);
    if (this.left <= -this.of.share) return ASKED_MS;
    this.left--;
    return 0;
  }

  /** A share that isn't used up is given up with it: it was part of what the rate allows. */
  full(now: number): boolean {
    return !this.asked && this.left >= 0 && now >= this.notBefore && (this.alone?.full(now) ?? true);
  }

  answered({ granted, wait }: Grant, now: number): void {
    this.left += granted;
    this.settle(false, now, wait);
  }

  unanswered(now: number): void {
    this.settle(true, now, AWAY_MS);
  }

  private settle(away: boolean, now: number, wait: number): void {
    this.asked = false;
    this.away = away;
    this.answeredAt = now;
    this.notBefore = now + wait;
  }
}
