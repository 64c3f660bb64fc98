import type { Offset, QueueItem, QueueRecord } from "../../../src/ports/index.js";
import { SortedRows } from "./sorted-rows.js";

/** The greatest offset that any queue of this process ever gave: memory is wiped faster than a clock ticks. */
let greatest: Offset = 0;

/** Where the offsets of a new queue begin: at a time in milliseconds since 1970, and above those of every other. */
export function firstOffset(now: number): Offset {
  return Math.max(Math.floor(now * 1000), greatest + 1);
}

/** The records of one partition that are still kept, and who waits for more. */
export class PartitionLog {
  readonly #records = new SortedRows<QueueRecord>((record) => record.offset);
  readonly #waiting = new Set<() => void>();
  #next: Offset;
  #head: Offset | null = null;
  #bytes = 0;

  /** `first` is the offset of the first record. */
  constructor(first: Offset) {
    this.#next = first;
  }

  /** The last offset that was given; null before the first. */
  get head(): Offset | null {
    return this.#head;
  }

  /** Bytes of the records that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  append({ key, value, decoded }: QueueItem): void {
    const offset = this.#next++;
    const record = { key, value: new Uint8Array(value), offset };
    this.#records.set(decoded === undefined ? record : { ...record, decoded });
    this.#head = offset;
    greatest = Math.max(greatest, offset);
    this.#bytes += value.length;
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  after(offset: Offset, limit: number): QueueRecord[] {
    return this.#records.first(offset, Number.POSITIVE_INFINITY, limit);
  }

  /** How many records lie beyond an offset. They have offsets one after the other, and only the first ones go. */
  countAfter(offset: Offset): number {
    const [first] = this.#records.first(offset, Number.POSITIVE_INFINITY, 1);
    return first === undefined ? 0 : this.#next - first.offset;
  }

  /** Calls `wake` once, at the next record. Answers how to take that back. */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  trim(upTo: Offset): void {
    for (const { value } of this.#records.deleteUpTo(upTo)) this.#bytes -= value.length;
  }
}
