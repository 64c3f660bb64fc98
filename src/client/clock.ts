/** Time and timers, so that tests can hold them. */
export interface ClientClock {
  /** Milliseconds since 1970. May jump: a device that slept is noticed by that. */
  now(): number;
  /** Calls back once, after so many milliseconds; answers what `clear` takes. */
  after(ms: number, call: () => void): unknown;
  clear(timer: unknown): void;
}

/** The longest that a timer of JavaScript can wait. */
const LONGEST = 2_147_483_647;

export const systemClock: ClientClock = {
  now: () => Date.now(),
  after: (ms, call) => setTimeout(call, Math.min(ms, LONGEST)),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** One timer: setting it again replaces what it waited for. */
export interface Timer {
  running(): boolean;
  set(ms: number, call: () => void): void;
  clear(): void;
}

export function createTimer(clock: ClientClock): Timer {
  let timer: unknown;
  const clear = (): void => {
    if (timer !== undefined) clock.clear(timer);
    timer = undefined;
  };
  return {
    clear,
    running: () => timer !== undefined,
    set(ms, call) {
      clear();
      timer = clock.after(ms, () => {
        timer = undefined;
        call();
      });
    },
  };
}
