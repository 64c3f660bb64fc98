import type { Consumer, Lease, Offset } from "sentseen/ports";
import { BEFORE_ALL, type TopicLog } from "./topic-log.js";

/** Records that a consumer gets at a time, at most. */
const BATCH = 4_096;

/** The one partition of an embedded queue. */
const PARTITION = 0;

export interface TenureOptions {
  readonly log: TopicLog;
  readonly consumer: Consumer;
  /** The consumer's checkpoint is known. */
  onCheckpoint(offset: Offset): void;
  /** A batch was taken in: what went wrong before is over. */
  onProgress(): void;
  /** The consumer rejected: the tenure should end and another begin from the checkpoint. [R5] */
  onFailure(): void;
}

/**
 * One consumer's time as the owner of the partition, from `assigned` to `revoked`. A consumer that keeps up and
 * answers at once is called straight from the commit, without a turn of the event loop between.
 */
export class Tenure {
  readonly #options: TenureOptions;
  readonly #lease: Lease = { valid: () => !this.#ended };
  /** The last offset that was handed over. */
  at: Offset = BEFORE_ALL;
  #ready = false;
  #open: Promise<void> | null = null;
  #ended = false;
  #revoked: Promise<void> = Promise.resolve();

  constructor(options: TenureOptions) {
    this.#options = options;
    this.#open = this.#begin();
  }

  /** Ends it, at once as far as the lease goes. Resolves when `revoked` has returned. Idempotent. */
  end(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      this.#options.log.detach(this);
      this.#revoked = this.#revoke();
    }
    return this.#revoked;
  }

  /** Ends it, and resolves when no callback of the consumer's is running any more. */
  async over(): Promise<void> {
    await this.end();
    await this.#open;
  }

  /** Hands over what there is, until the consumer takes its time over a batch. */
  pump(): void {
    while (this.#ready && this.#open === null && !this.#ended) {
      try {
        const records = this.#options.log.after(this.at, BATCH);
        const last = records.at(-1)?.offset;
        if (last === undefined) return;
        const taking = this.#options.consumer.batch(PARTITION, records);
        if (taking === undefined) this.#took(last);
        else this.#open = this.#wait(taking, last);
      } catch {
        this.#fail();
      }
    }
  }

  async #begin(): Promise<void> {
    const { consumer, log, onCheckpoint } = this.#options;
    try {
      const checkpoint = await consumer.assigned(PARTITION, this.#lease, 0);
      if (this.#ended) return;
      if (checkpoint !== null) onCheckpoint(checkpoint);
      this.at = checkpoint ?? BEFORE_ALL;
      this.#ready = true;
      log.attach(this);
      // What was there before is handed over in a turn of its own: whoever joins isn't kept waiting.
      setImmediate(() => this.pump());
    } catch {
      this.#fail();
    } finally {
      this.#open = null;
    }
  }

  async #wait(taking: Promise<void>, last: Offset): Promise<void> {
    try {
      await taking;
      this.#open = null;
      this.#took(last);
      this.#options.log.release();
      this.pump();
    } catch {
      this.#open = null;
      this.#fail();
    }
  }

  #took(last: Offset): void {
    this.at = last;
    this.#options.onProgress();
  }

  /** The consumer knows why; here it only means that the partition starts again. */
  #fail(): void {
    if (this.#ended) return;
    this.#ready = false;
    this.#options.onFailure();
  }

  async #revoke(): Promise<void> {
    try {
      await this.#options.consumer.revoked(PARTITION);
    } catch {
      // A consumer that fails to give something up has lost it all the same.
    }
  }
}
