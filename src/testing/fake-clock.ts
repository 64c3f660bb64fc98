/** A clock that stands still until it is told to go on. */
export interface FakeClock {
  /** Milliseconds since 1970. Free of `this`, so that it can be handed over as a function. */
  readonly now: () => number;
  /** Goes on by so many milliseconds. */
  advance(ms: number): void;
}

/** A clock that begins at `start`, by default some morning in 2025. */
export function fakeClock(start = Date.UTC(2025, 0, 6, 9)): FakeClock {
  let time = start;
  return {
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
  };
}
