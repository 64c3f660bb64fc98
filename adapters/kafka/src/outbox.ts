import type { ProducerId, Sequence } from "./sequence.js";

/** A publisher's call: settled once, when all its items are stored or it is given up. */
export interface Call {
  /** Grows with every call to the topic. */
  readonly order: number;
  /** When it is given up, by the monotonic clock. */
  readonly deadline: number;
  readonly partitions: Set<number>;
  /** Items that aren't known to be stored. */
  left: number;
  settled: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface Entry {
  readonly call: Call;
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * Records on their way to a partition. They go together and unchanged until their fate is known, under the same
 * numbers, so that however often they are sent they are stored once, and before all that comes after.
 */
export interface Batch {
  readonly producer: ProducerId;
  readonly sequence: number;
  readonly entries: readonly Entry[];
}

/** Bytes of records that go to a partition at a time. One record alone may have more. */
const BATCH_BYTES = 512 << 10;

/** What waits for one partition, in the order in which it was published. */
export class Outbox {
  /** Sent, and not known to be stored or not. */
  batch: Batch | null = null;
  /** On its way to a broker now. */
  busy = false;
  /** Not to be sent before, by the monotonic clock; grows with failures. */
  notBefore = 0;
  failures = 0;
  sequence: Sequence | null = null;
  #waiting: Entry[] = [];

  push(entry: Entry): void {
    this.#waiting.push(entry);
  }

  get isEmpty(): boolean {
    return this.batch === null && this.#waiting.length === 0;
  }

  /** The batch to send: the one whose fate isn't known, or else a new one of what waits. */
  next(sequence: Sequence): Batch {
    this.batch ??= { producer: sequence.producer, sequence: sequence.next, entries: this.#take() };
    return this.batch;
  }

  /** Takes away what isn't sent of calls from `order` on. */
  drop(order: number): Entry[] {
    const at = this.#waiting.findIndex(({ call }) => call.order >= order);
    return at < 0 ? [] : this.#waiting.splice(at);
  }

  #take(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const { key, value } of this.#waiting) {
      bytes += key.length + value.length;
      if (count > 0 && bytes > BATCH_BYTES) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
