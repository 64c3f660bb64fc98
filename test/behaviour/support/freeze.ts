import type { Around } from "./intercept.js";

/** A store that doesn't answer until it is let. */
export interface Frozen {
  /** What its calls pass. */
  readonly around: Around;
  /** How many calls wait. */
  readonly waiting: number;
  /** From now on calls wait. */
  freeze(): void;
  /** What waits goes on, and nothing waits any more. */
  thaw(): void;
}

/** Calls of these methods, or of all, wait while it is frozen, which it is not at first. */
export function freezing(...methods: readonly string[]): Frozen {
  const waiting: (() => void)[] = [];
  let frozen = false;
  return {
    get waiting() {
      return waiting.length;
    },
    async around(method, _args, run) {
      const meant = methods.length === 0 || methods.includes(method);
      if (frozen && meant) await new Promise<void>((resolve) => waiting.push(resolve));
      return run();
    },
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}
