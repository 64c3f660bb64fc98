import type { Consumer, Lease, Offset, QueueRecord } from "sentseen/ports";
import type { Offsets } from "./offsets.js";

/** Bytes of records that wait for their consumer; beyond, none are fetched. */
const ENOUGH_BYTES = 1 << 20;
/** Records that a consumer gets at a time, at most. */
const BATCH = 4_096;

export interface TenureOptions {
  readonly partition: number;
  readonly consumer: Consumer;
  readonly offsets: Offsets;
  /** Kafka's offset of the first record that is kept. */
  readonly start: bigint;
  /** Whether the group's session surely lasts. */
  valid(): boolean;
  /** The partition's records are wanted from now on, or again. */
  hungry(): void;
  /** A batch was taken in: what went wrong before is over. */
  onProgress(): void;
  /** The consumer rejected: the tenure should end and another begin from the checkpoint. [R5] */
  onFailure(error: unknown): void;
}

/** One consumer's time as the owner of a partition, from `assigned` to `revoked`. */
export class Tenure {
  readonly partition: number;
  readonly #options: TenureOptions;
  readonly #lease: Lease;
  #records: QueueRecord[] = [];
  #bytes = 0;
  #next = 0n;
  #ready = false;
  #failed = false;
  #open: Promise<void> | null;
  #ended = false;
  #revoked: Promise<void> = Promise.resolve();

  constructor(options: TenureOptions) {
    this.#options = options;
    this.partition = options.partition;
    this.#lease = { valid: () => !this.#ended && options.valid() && !this.#ended };
    this.#open = this.#begin();
  }

  /** Kafka's offset of the next record to fetch; null where none is wanted now. */
  get wants(): bigint | null {
    return this.#ready && !this.#ended && this.#bytes < ENOUGH_BYTES ? this.#next : null;
  }

  /** It has as much as it may hold. */
  get isFull(): boolean {
    return this.#ready && !this.#ended && this.#bytes >= ENOUGH_BYTES;
  }

  /** Records that follow `from`, after which `next` would be fetched. */
  offer(from: bigint, next: bigint, records: readonly QueueRecord[]): void {
    if (this.#ended || from !== this.#next) return;
    this.#next = next;
    for (const record of records) {
      this.#records.push(record);
      this.#bytes += record.value.length;
    }
    this.#pump();
  }

  /** What was to be fetched isn't there. */
  fail(error: unknown): void {
    if (this.#ended || this.#failed) return;
    this.#failed = true;
    this.#ready = false;
    this.#options.onFailure(error);
  }

  /** Ends it, at once as far as the lease goes. Resolves when `revoked` has returned. Idempotent. */
  end(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      this.#records = [];
      this.#revoked = this.#revoke();
    }
    return this.#revoked;
  }

  /** Ends it, and resolves when no callback of the consumer's is running any more. */
  async over(): Promise<void> {
    await this.end();
    await this.#open;
  }

  async #begin(): Promise<void> {
    const { consumer, offsets, start, partition, hungry } = this.#options;
    try {
      const completeAfter: Offset = offsets.of(start - 1n);
      const checkpoint = await consumer.assigned(partition, this.#lease, completeAfter);
      if (this.#ended) return;
      this.#next = start;
      // A checkpoint of an earlier life, or of before what is kept, begins at the start too.
      if (checkpoint !== null && offsets.after(checkpoint) > start) this.#next = offsets.after(checkpoint);
      this.#ready = true;
      hungry();
    } catch (error) {
      this.fail(error);
    } finally {
      this.#open = null;
    }
  }

  /** Hands over what there is, until the consumer takes its time over a batch. */
  #pump(): void {
    while (this.#ready && this.#open === null && this.#records.length > 0) {
      if (!this.#lease.valid()) return;
      const batch = this.#records.splice(0, BATCH);
      const wasFull = this.isFull;
      for (const { value } of batch) this.#bytes -= value.length;
      if (wasFull && !this.isFull) this.#options.hungry();
      try {
        const taking = this.#options.consumer.batch(this.partition, batch);
        if (taking === undefined) this.#options.onProgress();
        else this.#open = this.#wait(taking);
      } catch (error) {
        this.fail(error);
      }
    }
  }

  async #wait(taking: Promise<void>): Promise<void> {
    try {
      await taking;
      this.#options.onProgress();
    } catch (error) {
      this.fail(error);
    }
    this.#open = null;
    this.#pump();
  }

  async #revoke(): Promise<void> {
    try {
      await this.#options.consumer.revoked(this.partition);
    } catch {
      // A consumer that fails to give something up has lost it all the same.
    }
  }
}
