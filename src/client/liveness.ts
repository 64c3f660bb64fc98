import { type ClientClock, createTimer } from "./clock.js";

/** How long a ping may stay without any sign of life. */
const DEADLINE = 10_000;

/**
 * Finds out whether the other side is there: pings when nothing has been asked for a while, or at once where there
 * is reason to doubt. Anything that comes in counts as life.
 */
export interface Liveness {
  /** Something came in. */
  heard(): void;
  /** Pings now, unless a ping is on its way. */
  check(): void;
  /** Pings now if the device seems to have slept: timers stood still, the clock went on. */
  suspect(): void;
  stop(): void;
}

/** `interval` is in milliseconds; `dead` is called once, when a ping had no answer. */
export function createLiveness(clock: ClientClock, interval: number, ping: () => void, dead: () => void): Liveness {
  const timer = createTimer(clock);
  let heardAt = clock.now();
  /** When the ping went that waits for an answer; 0 while none does. */
  let pingedAt = 0;

  function check(): void {
    if (pingedAt !== 0) return;
    pingedAt = clock.now();
    timer.set(DEADLINE, judge);
    ping();
  }

  function judge(): void {
    const waited = clock.now() - pingedAt;
    pingedAt = 0;
    // A timer that comes far too late slept with the device, and so did the answer: ask again.
    if (waited > 2 * DEADLINE) check();
    else dead();
  }

  timer.set(interval, check);
  return {
    check,
    heard() {
      heardAt = clock.now();
      if (pingedAt === 0) return;
      pingedAt = 0;
      timer.set(interval, check);
    },
    suspect() {
      if (clock.now() - heardAt > 2 * (interval + DEADLINE)) check();
    },
    stop: timer.clear,
  };
}
