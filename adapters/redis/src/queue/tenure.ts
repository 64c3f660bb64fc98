import type { Consumer, Lease, Offset } from "sentseen/ports";
import type { PartitionLog, Read } from "./partition-log.js";

/** How often a reader looks that nobody wakes. */
const LOOK_MS = 1_000;

const RETRY_MS = { first: 50, most: 1_000 };

/** Records that a consumer gets at a time, at most. */
const BATCH = 4_096;

export interface TenureOptions {
  readonly log: PartitionLog;
  readonly group: string;
  readonly partition: number;
  readonly consumer: Consumer;
  /** Whether the partition is surely still this process's. */
  valid(): boolean;
}

/** How a tenure came to its end: the consumer rejected, the log began a new life, or the lease ran out. */
export type Outcome = "failed" | "new life" | "over";

/** One consumer's time as the owner of a partition, from `assigned` to `revoked`. */
export class Tenure {
  readonly #options: TenureOptions;
  readonly #lease: Lease = { valid: () => this.#revoked === null && this.#options.valid() };
  #revoked: Promise<void> | null = null;
  #woken = false;
  #wake: () => void = () => {};
  #progress = false;
  #assigned = false;

  constructor(options: TenureOptions) {
    this.#options = options;
  }

  /** Whether a batch was taken in: what went wrong before is over. */
  get progress(): boolean {
    return this.#progress;
  }

  /** There may be records. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  /** Ends it, at once as far as the lease goes. Resolves when `revoked` has returned. Idempotent. */
  end(): Promise<void> {
    if (this.#revoked === null) {
      // There before the consumer is called, which may ask whether the lease is valid.
      this.#revoked = Promise.resolve().then(() => this.#revoke());
      this.#wake();
    }
    return this.#revoked;
  }

  /** Runs until it is ended, its lease has run out, or it can't go on. Then no callback is running any more. */
  async run(): Promise<Outcome> {
    const opened = await this.#untilDone(() => this.#options.log.open(this.#options.group));
    if (opened === null) return "over";
    let outcome: Outcome;
    try {
      outcome = await this.#serve(opened.birth, opened.completeAfter);
    } catch {
      // The consumer knows why; here it only means that the partition starts again. [R5]
      outcome = "failed";
    }
    await this.end();
    return outcome;
  }

  async #serve(birth: Offset, completeAfter: Offset): Promise<Outcome> {
    const { consumer, partition, log, group } = this.#options;
    this.#assigned = true;
    const checkpoint = await consumer.assigned(partition, this.#lease, completeAfter);
    if (checkpoint !== null) {
      const alive = await this.#untilDone(() => log.commit(group, checkpoint));
      if (alive !== null && alive !== birth) return "new life";
    }
    return this.#readFrom(checkpoint ?? 0, birth);
  }

  async #readFrom(start: Offset, birth: Offset): Promise<Outcome> {
    const { log, consumer, partition } = this.#options;
    let after = start;
    while (this.#lease.valid()) {
      this.#woken = false;
      const read: Read | null = await this.#untilDone(() => log.read(after));
      if (read === null) return "over";
      if (read.birth !== birth) return "new life";
      for (let at = 0; at < read.records.length; at += BATCH) {
        const records = read.records.slice(at, at + BATCH);
        if (!this.#lease.valid()) return "over";
        await consumer.batch(partition, records);
        after = records.at(-1)?.offset ?? after;
        this.#progress = true;
      }
      if (read.records.length === 0 && !this.#woken) await this.#sleep(LOOK_MS);
    }
    return "over";
  }

  /** What Redis answers, however long it is away; null where the lease is lost meanwhile. */
  async #untilDone<T>(ask: () => Promise<T>): Promise<T | null> {
    for (let pause = RETRY_MS.first; this.#lease.valid(); pause = Math.min(pause * 2, RETRY_MS.most)) {
      try {
        const answer = await ask();
        return this.#lease.valid() ? answer : null;
      } catch {
        await this.#sleep(pause);
      }
    }
    return null;
  }

  /** Until it is woken or ended, or `ms` have passed. */
  async #sleep(ms: number): Promise<void> {
    if (this.#revoked !== null) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#wake = () => {};
  }

  async #revoke(): Promise<void> {
    if (!this.#assigned) return;
    try {
      await this.#options.consumer.revoked(this.#options.partition);
    } catch {
      // A consumer that fails to give something up has lost it all the same.
    }
  }
}
