import type { Offset, QueueRecord } from "sentseen/ports";
import type { Environment } from "./environment.js";
import { countAfter, segmentAfter, storedHead } from "./log-rows.js";
import { addRecords, lastOf, type Segment, type SegmentBuilder } from "./segment.js";
import { Tail } from "./tail.js";

/** Bytes of newest records that stay in memory for readers, at most. */
const TAIL_BYTES = 32 * 1024 * 1024;

/** Below every offset. */
export const BEFORE_ALL: Offset = -1;

/** One topic's log: what was committed, where the next record goes, and who reads. */
export class TopicLog {
  readonly name: string;
  readonly #environment: Environment;
  readonly #readers = new Set<{ readonly at: Offset; pump(): void }>();
  readonly #tail: Tail;
  #next: Offset;
  #head: Offset | null;

  /** `floor` is where the offsets of this life of the queue begin. [R3] */
  constructor(name: string, environment: Environment, floor: Offset) {
    this.name = name;
    this.#environment = environment;
    this.#head = storedHead(environment.rows(), name);
    const stored = this.#head ?? BEFORE_ALL;
    this.#next = Math.max(floor, stored + 1);
    this.#tail = new Tail(stored, TAIL_BYTES);
  }

  /** The last offset that was committed; null before the first. */
  get head(): Offset | null {
    return this.#head;
  }

  /** Gives offsets to what was gathered. A failed commit leaves a gap, which does no harm. */
  seal(gathered: SegmentBuilder): Segment {
    const segment = gathered.seal(this.#next);
    this.#next += segment.count;
    return segment;
  }

  /** A segment is committed: readers get it now, in this call. */
  landed(segment: Segment): void {
    this.#head = lastOf(segment);
    this.#tail.push(segment);
    for (const reader of this.#readers) reader.pump();
    this.release();
  }

  /** Records after an offset, as many as are at hand, at most `limit`. Throws `corrupt`. */
  after(offset: Offset, limit: number): QueueRecord[] {
    if (this.#tail.holdsAllAfter(offset)) return this.#tail.after(offset, limit);
    const records: QueueRecord[] = [];
    const segment = segmentAfter(this.#environment.rows(), this.name, offset);
    if (segment !== null) addRecords(segment, offset, limit, records);
    return records;
  }

  /** How many records lie beyond an offset. */
  countAfter(offset: Offset): number {
    return countAfter(this.#environment.rows(), this.name, offset);
  }

  attach(reader: { readonly at: Offset; pump(): void }): void {
    this.#readers.add(reader);
  }

  detach(reader: { readonly at: Offset; pump(): void }): void {
    this.#readers.delete(reader);
    this.release();
  }

  /** Lets go of what all readers have had. */
  release(): void {
    if (this.#readers.size === 0) return;
    let least = Number.POSITIVE_INFINITY;
    for (const { at } of this.#readers) least = Math.min(least, at);
    this.#tail.release(least);
  }
}
