/** What of the session timeout is left unused, for clocks that run at different speeds. */
const MARGIN = 0.1;

export interface SessionTimes {
  /** Milliseconds of silence after which the broker gives up a member. */
  readonly sessionMs: number;
  /** Milliseconds that a rebalance waits for a member, whatever else it hears from it. */
  readonly rebalanceMs: number;
}

/**
 * How long a member's right to its partitions surely lasts, by this process's own clock: each time that the broker
 * answered, it counts from when it was *asked*, so it ends before the broker could have given the partitions to another,
 * though this process was stopped meanwhile. [R2 c]
 */
export class Session {
  readonly #times: SessionTimes;
  readonly #now: () => number;
  #heard = Number.NEGATIVE_INFINITY;
  #settled = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds of a monotonic clock */
  constructor(times: SessionTimes, now: () => number = () => performance.now()) {
    this.#times = times;
    this.#now = now;
  }

  /**
   * The broker answered what was asked at `askedAt`, so it knows this member. Where the group was `settled`, no
   * rebalance had begun, which it could have missed.
   */
  renew(askedAt: number, settled: boolean): void {
    this.#heard = Math.max(this.#heard, askedAt);
    if (settled) this.#settled = Math.max(this.#settled, askedAt);
  }

  valid(): boolean {
    const { sessionMs, rebalanceMs } = this.#times;
    const end = Math.min(this.#heard + sessionMs, this.#settled + rebalanceMs);
    return this.#now() < end - sessionMs * MARGIN;
  }
}
