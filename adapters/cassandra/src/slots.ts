import { ChatError } from "sentseen/ports";

/** At most so many requests are under way at once, and at most so many wait for that. First come, first served. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(
    slots: number,
    private readonly maxWaiting: number,
  ) {
    this.#free = slots;
  }

  /** Resolves when a slot is the caller's. Rejects with `store_unavailable` where too many wait already. */
  take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.maxWaiting) {
      const text = `More than ${this.maxWaiting} requests wait for Cassandra.`;
      return Promise.reject(new ChatError("store_unavailable", text, { field: "maxWaiting", limit: this.maxWaiting }));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a slot back: to whoever waits longest. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
