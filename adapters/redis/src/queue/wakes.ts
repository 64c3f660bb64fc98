import type { Subscriptions } from "../link/subscriptions.js";

/** Who is woken by which channel. A call that was missed costs time only: everybody looks from time to time as well. */
export class Wakes {
  readonly #subscriptions: Subscriptions;
  readonly #sleepers = new Map<string, Set<() => void>>();

  constructor(subscriptions: Subscriptions) {
    this.#subscriptions = subscriptions;
  }

  /** Calls `wake` with each message on the channel. Answers how to take that back. */
  on(channel: string, wake: () => void): () => void {
    let sleepers = this.#sleepers.get(channel);
    if (sleepers === undefined) {
      sleepers = new Set();
      this.#sleepers.set(channel, sleepers);
      this.#subscriptions.want(channel, () => this.#wake(channel));
    }
    sleepers.add(wake);
    return () => {
      const left = this.#sleepers.get(channel);
      if (left?.delete(wake) !== true || left.size > 0) return;
      this.#sleepers.delete(channel);
      this.#subscriptions.unwant(channel);
    };
  }

  /** Everybody looks: messages may have been lost. */
  all(): void {
    for (const channel of this.#sleepers.keys()) this.#wake(channel);
  }

  #wake(channel: string): void {
    for (const wake of this.#sleepers.get(channel) ?? []) wake();
  }
}
