const BASE = 500;
const CAP = 30_000;

/** Exponential back-off with full jitter: any time up to a bound that doubles with each attempt. */
export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  next(): number;
  reset(): void;
}

export function createBackoff(random: () => number): Backoff {
  let bound = BASE;
  return {
    next() {
      const delay = random() * bound;
      bound = Math.min(CAP, bound * 2);
      return delay;
    },
    reset() {
      bound = BASE;
    },
  };
}
