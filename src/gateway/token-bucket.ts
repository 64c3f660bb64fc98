import type { Rate } from "../ports/rate-limiter.js";

/** What one user may still do. */
export interface Allowance {
  /** Takes one. Answers 0, or after how many milliseconds it is worth while to try again. */
  take(now: number): number;
  /** Whether nothing would be forgotten if this were. */
  full(now: number): boolean;
}

/** Counts what one user may still do here. Costs no timer. */
export class TokenBucket implements Allowance {
  private tokens: number;
  private at: number;

  constructor(
    private readonly rate: Rate,
    now: number,
  ) {
    this.tokens = rate.burst;
    this.at = now;
  }

  take(now: number): number {
    this.refill(now);
    if (this.tokens < 1) return Math.ceil(((1 - this.tokens) * 1_000) / this.rate.per_second);
    this.tokens--;
    return 0;
  }

  full(now: number): boolean {
    this.refill(now);
    return this.tokens >= this.rate.burst;
  }

  private refill(now: number): void {
    const gained = (Math.max(0, now - this.at) * this.rate.per_second) / 1_000;
    this.tokens = Math.min(this.rate.burst, this.tokens + gained);
    // A clock that jumped back is followed at once: waiting for it to catch up would keep the user from everything.
    this.at = now;
  }
}
