import type { Consumer, Lease, Offset } from "../../../src/ports/index.js";
import type { PartitionLog } from "./partition-log.js";

/** What a tenure reads, for whom, and how much at a time. */
export interface TenureOptions {
  readonly partition: number;
  readonly log: PartitionLog;
  readonly consumer: Consumer;
  /** Records of a batch at most. */
  readonly batch: number;
  /** A batch was taken in: what went wrong before is over. */
  onProgress(): void;
  /** The consumer rejected: the tenure should end and another begin from the checkpoint. [R5] */
  onFailure(): void;
}

/** One consumer's time as the owner of a partition, from `assigned` to `revoked`. */
export class Tenure {
  readonly #options: TenureOptions;
  readonly #lease: Lease = { valid: () => this.#revoked === null };
  readonly #running: Promise<void>;
  #revoked: Promise<void> | null = null;
  #wake: () => void = () => {};

  constructor(options: TenureOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Ends it, at once as far as the lease goes. Resolves when `revoked` has returned. Idempotent. */
  end(): Promise<void> {
    if (this.#revoked === null) {
      const { promise, settle } = later();
      this.#revoked = promise;
      this.#wake();
      settle(() => this.#options.consumer.revoked(this.#options.partition));
    }
    return this.#revoked;
  }

  /** Resolves when no callback of the consumer's is running any more. */
  async over(): Promise<void> {
    await this.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { partition, consumer, log, batch, onProgress, onFailure } = this.#options;
    try {
      let at: Offset = (await consumer.assigned(partition, this.#lease, 0)) ?? Number.NEGATIVE_INFINITY;
      while (this.#lease.valid()) {
        const records = log.after(at, batch);
        const last = records.at(-1);
        if (last === undefined) {
          await this.#more();
          continue;
        }
        await consumer.batch(partition, records);
        at = last.offset;
        onProgress();
      }
    } catch {
      // The consumer knows why; here it only means that the partition starts again.
      if (this.#lease.valid()) onFailure();
    }
  }

  /** Waits for a record or for the end, then for the end of the turn, so that a batch is all that the turn brought. */
  async #more(): Promise<void> {
    const { log } = this.#options;
    let forget = () => {};
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      forget = log.onNext(resolve);
    });
    forget();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A promise that is there before the work that settles it begins. Failures are swallowed. */
function later(): { promise: Promise<void>; settle(work: () => Promise<void>): void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return {
    promise,
    settle(work) {
      void (async () => {
        try {
          await work();
        } catch {
          // A consumer that fails to give something up has lost it all the same.
        }
        resolve();
      })();
    },
  };
}
