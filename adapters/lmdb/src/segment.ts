import { crc32 } from "node:zlib";
import { ChatError, type Offset, type QueueItem, type QueueRecord } from "sentseen/ports";

/*
 * A segment is what one commit adds to a topic's log, stored as one value:
 *
 *   4 bytes checksum of all that follows · 4 bytes number of records
 *   then each record: 2 bytes length of the key · 4 bytes length of the value · the key in UTF-8 · the value
 */

const HEADER = 8;
const RECORD_HEADER = 6;
const MAX_KEY_BYTES = 0xffff;

/** Records that follow each other in a topic's log. Their bytes are never changed again. */
export interface Segment {
  readonly first: Offset;
  readonly count: number;
  readonly bytes: Buffer;
  readonly keys: readonly string[];
  /** Where each value begins and ends, in turns. */
  readonly bounds: readonly number[];
  /** The publishers' own forms; empty where none had one, or they are gone. */
  readonly decoded: readonly unknown[];
}

/**
 * Takes in items and makes a segment of them. Under a light load each commit is of one publish, and there are more than
 * a thousand a second: so what one publish brings gets a buffer of just its size. Memory outside the heap that is asked
 * for more freely makes V8 collect the whole heap every second, with pauses of 20 ms.
 */
export class SegmentBuilder {
  #size = HEADER;
  readonly #parts: Buffer[] = [];
  readonly #keys: string[] = [];
  readonly #bounds: number[] = [];
  readonly #decoded: unknown[] = [];

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  get count(): number {
    return this.#keys.length;
  }

  /** Adds all of them or, where a key is too long, none. Their memory is the caller's again afterwards. */
  add(items: readonly QueueItem[]): void {
    const keyLengths = items.map(({ key }) => lengthOf(key));
    const size = items.reduce((sum, { value }, i) => sum + RECORD_HEADER + (keyLengths[i] as number) + value.length, 0);
    const before = this.#parts.length === 0 ? 0 : this.#size;
    const part = Buffer.allocUnsafe(this.#size - before + size);
    let at = this.#size - before;
    items.forEach(({ key, value, decoded }, i) => {
      const keyLength = keyLengths[i] as number;
      const start = at + RECORD_HEADER + keyLength;
      part.writeUInt16LE(keyLength, at);
      part.writeUInt32LE(value.length, at + 2);
      part.write(key, at + RECORD_HEADER);
      part.set(value, start);
      at = start + value.length;
      this.#keys.push(key);
      this.#bounds.push(before + start, before + at);
      this.#decoded.push(decoded);
    });
    this.#parts.push(part);
    this.#size += size;
  }

  /** Ends it: its records have the offsets from `first` on. */
  seal(first: Offset): Segment {
    const [only, ...more] = this.#parts;
    const bytes = only !== undefined && more.length === 0 ? only : Buffer.concat(this.#parts, this.#size);
    bytes.writeUInt32LE(this.#keys.length, 4);
    bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
    return { first, count: this.#keys.length, bytes, keys: this.#keys, bounds: this.#bounds, decoded: this.#decoded };
  }
}

function lengthOf(key: string): number {
  const length = Buffer.byteLength(key);
  if (length > MAX_KEY_BYTES) {
    throw new ChatError("invalid", `A key of ${length} bytes is too long.`, { limit: MAX_KEY_BYTES });
  }
  return length;
}

/** Reads a stored segment; null where the bytes aren't what was written. */
export function readSegment(first: Offset, count: number, bytes: Buffer): Segment | null {
  if (bytes.length < HEADER || bytes.readUInt32LE(4) !== count) return null;
  if (crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return null;
  const keys: string[] = [];
  const bounds: number[] = [];
  let at = HEADER;
  while (at < bytes.length) {
    const keyEnd = at + RECORD_HEADER + bytes.readUInt16LE(at);
    const end = keyEnd + bytes.readUInt32LE(at + 2);
    keys.push(bytes.toString("utf8", at + RECORD_HEADER, keyEnd));
    bounds.push(keyEnd, end);
    at = end;
  }
  return { first, count, bytes, keys, bounds, decoded: [] };
}

export function lastOf(segment: Segment): Offset {
  return segment.first + segment.count - 1;
}

/** Adds the segment's records after an offset to a list, until it has `limit`. */
export function addRecords(segment: Segment, after: Offset, limit: number, to: QueueRecord[]): void {
  for (let i = Math.max(0, after + 1 - segment.first); i < segment.count && to.length < limit; i++) {
    to.push(new SegmentRecord(segment, i));
  }
}

/** A record as a view of its segment. Making the value costs something, and who has `decoded` needs none. */
class SegmentRecord implements QueueRecord {
  readonly key: string;
  readonly offset: Offset;
  readonly decoded: unknown;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(segment: Segment, index: number) {
    this.key = segment.keys[index] as string;
    this.offset = segment.first + index;
    this.decoded = segment.decoded[index];
    this.#bytes = segment.bytes;
    this.#start = segment.bounds[index * 2] as number;
    this.#end = segment.bounds[index * 2 + 1] as number;
  }

  get value(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }
}
