import type { Offset, QueueRecord } from "sentseen/ports";
import { addRecords, lastOf, type Segment } from "./segment.js";

/** The newest segments of a topic, kept in memory with the publishers' own forms for readers that keep up. */
export class Tail {
  readonly #maxBytes: number;
  readonly #segments: Segment[] = [];
  #bytes = 0;
  #from: Offset;

  /** All records up to `from` are only in the store. */
  constructor(from: Offset, maxBytes: number) {
    this.#from = from;
    this.#maxBytes = maxBytes;
  }

  /** Whether all records after an offset are here. */
  holdsAllAfter(offset: Offset): boolean {
    return offset >= this.#from;
  }

  push(segment: Segment): void {
    this.#segments.push(segment);
    this.#bytes += segment.bytes.length;
    while (this.#bytes > this.#maxBytes) this.#shift();
  }

  /** Records after an offset that `holdsAllAfter` holds for. */
  after(offset: Offset, limit: number): QueueRecord[] {
    const records: QueueRecord[] = [];
    for (const segment of this.#segments) {
      if (records.length >= limit) break;
      if (lastOf(segment) > offset) addRecords(segment, offset, limit, records);
    }
    return records;
  }

  /** Every reader is past this offset. */
  release(upTo: Offset): void {
    while (this.#segments[0] !== undefined && lastOf(this.#segments[0]) <= upTo) this.#shift();
  }

  #shift(): void {
    const segment = this.#segments.shift();
    if (segment === undefined) return;
    this.#bytes -= segment.bytes.length;
    this.#from = lastOf(segment);
  }
}
