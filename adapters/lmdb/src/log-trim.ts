import type { Offset } from "sentseen/ports";
import type { Environment } from "./environment.js";
import { type TrimProgress, trimmingChanges } from "./log-rows.js";

/**
 * Segments that one transaction removes, at most. Thousands at once would hold up the commits behind them for tens of
 * milliseconds and leave LMDB with a long list of free pages, which it then writes with every commit.
 */
const REMOVED_AT_ONCE = 64;

/** Between two such transactions. Together they remove more segments in a second than can be committed in one. */
const PAUSE_MS = 20;

/** Removes what nobody wants any more from the logs of all topics, a little at a time. */
export class LogTrim {
  readonly #environment: Environment;
  readonly #upTo = new Map<string, Offset>();
  #timer: NodeJS.Timeout | null = null;
  #removing: Promise<void> = Promise.resolve();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Nobody wants the records of a topic at or before an offset. */
  allow(topic: string, upTo: Offset): void {
    this.#upTo.set(topic, Math.max(this.#upTo.get(topic) ?? upTo, upTo));
    this.#schedule();
  }

  /** Stops where it is; what is left goes when `allow` is called again. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#upTo.clear();
    await this.#removing;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#removing = this.#removing.then(() => this.#remove());
    }, PAUSE_MS).unref();
  }

  async #remove(): Promise<void> {
    try {
      await this.#environment.usable();
      for (const [topic, upTo] of this.#upTo) {
        const { changes, done }: TrimProgress = trimmingChanges(this.#environment.rows(), topic, upTo, REMOVED_AT_ONCE);
        await this.#environment.commit(changes);
        if (done && this.#upTo.get(topic) === upTo) this.#upTo.delete(topic);
      }
    } catch {
      // The disk is full or the store is closing. Nothing is lost; the next checkpoint tries again.
      return;
    }
    if (this.#upTo.size > 0) this.#schedule();
  }
}
