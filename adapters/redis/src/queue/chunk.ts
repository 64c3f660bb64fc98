import type { Offset, QueueRecord } from "sentseen/ports";

// Records that are stored together: of each the length of its key (2 bytes) and of its value (4), then both.

const HEAD_BYTES = 6;
const MOST_KEY_BYTES = 0xffff;

/** Bytes beyond which nothing is added to a chunk, and records at most. */
const CHUNK_BYTES = 256 * 1024;
const CHUNK_RECORDS = 2_048;

/** Gathers records for one chunk. */
export class ChunkBuilder {
  #memory = Buffer.allocUnsafe(4_096);
  #size = 0;
  #count = 0;

  get size(): number {
    return this.#size;
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#size >= CHUNK_BYTES || this.#count >= CHUNK_RECORDS;
  }

  /** Copies a record. */
  add(key: string, value: Uint8Array): void {
    const keyBytes = Buffer.byteLength(key);
    this.#reserve(HEAD_BYTES + keyBytes + value.length);
    const memory = this.#memory;
    memory.writeUInt16BE(keyBytes, this.#size);
    memory.writeUInt32BE(value.length, this.#size + 2);
    memory.write(key, this.#size + HEAD_BYTES);
    memory.set(value, this.#size + HEAD_BYTES + keyBytes);
    this.#size += HEAD_BYTES + keyBytes + value.length;
    this.#count++;
  }

  bytes(): Buffer {
    return this.#memory.subarray(0, this.#size);
  }

  #reserve(bytes: number): void {
    const needed = this.#size + bytes;
    if (needed <= this.#memory.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#memory.length * 2));
    this.#memory.copy(larger, 0, 0, this.#size);
    this.#memory = larger;
  }
}

/** Whether a key is short enough to be stored. */
export function keyFits(key: string): boolean {
  return key.length * 3 <= MOST_KEY_BYTES || Buffer.byteLength(key) <= MOST_KEY_BYTES;
}

/** Bytes of a key at most. */
export const KEY_LIMIT = MOST_KEY_BYTES;

/** The records of a chunk whose last offset is `last`; values are views. */
export function recordsOf(chunk: Buffer, last: Offset): QueueRecord[] {
  const found: { key: string; value: Uint8Array }[] = [];
  for (let at = 0; at + HEAD_BYTES <= chunk.length; ) {
    const valueAt = at + HEAD_BYTES + chunk.readUInt16BE(at);
    const end = valueAt + chunk.readUInt32BE(at + 2);
    found.push({ key: chunk.toString("utf8", at + HEAD_BYTES, valueAt), value: chunk.subarray(valueAt, end) });
    at = end;
  }
  const first = last - found.length + 1;
  return found.map(({ key, value }, index) => ({ key, value, offset: first + index }));
}
