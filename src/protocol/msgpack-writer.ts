import { ChatError } from "../errors.js";
import type { Uuid } from "../model/ids.js";
import { PLAIN_UUIDS, type UuidBytes } from "./uuid-bytes.js";

const UTF8_ENCODER = new TextEncoder();
const TWO_32 = 0x1_0000_0000;
/** Up to here a loop writes faster than a call. */
const SHORT = 24;

/** Where a writer's memory comes from. On Node, `Buffer.allocUnsafeSlow` makes every frame a Buffer. */
export type Allocate = (size: number) => Uint8Array;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Bytes that are written often, cut into words so that four are written at a time. */
export interface Words {
  readonly words: Int32Array;
  readonly length: number;
}

export function words(bytes: Uint8Array): Words {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  const view = viewOf(padded);
  return {
    words: Int32Array.from({ length: padded.length / 4 }, (_, i) => view.getInt32(i * 4)),
    length: bytes.length,
  };
}

/** Writes plain MessagePack into a buffer that grows. `take` cuts what was written since the last cut. */
export class MsgpackWriter {
  // Nothing is allocated before something is written.
  private bytes: Uint8Array = new Uint8Array(0);
  private view = viewOf(this.bytes);
  private start = 0;
  private pos = 0;

  /** `slab` is how many bytes are allocated at a time; frames cut from one slab share its memory. */
  constructor(
    private readonly slab = 65_536,
    private readonly allocate: Allocate = (size) => new Uint8Array(size),
    private readonly uuids: UuidBytes = PLAIN_UUIDS,
  ) {}

  /** The bytes since the last cut, without the first `skip`. They stay untouched afterwards. */
  take(skip = 0): Uint8Array {
    const frame = this.bytes.subarray(this.start + skip, this.pos);
    this.start = this.pos;
    return frame;
  }

  /** Begins anew in the same memory: nobody looks any more at what was taken. */
  rewind(): void {
    this.start = this.pos = 0;
  }

  /** Forgets what was written since the last cut. */
  reset(): void {
    this.pos = this.start;
  }

  /** The number of bytes since the last cut. */
  get length(): number {
    return this.pos - this.start;
  }

  /** Makes sure of `size` bytes and answers where they begin; `pos` is the caller's to move. */
  private room(size: number): number {
    if (this.pos + size > this.bytes.length) this.grow(size);
    return this.pos;
  }

  private grow(size: number): void {
    const written = this.bytes.subarray(this.start, this.pos);
    const bytes = this.allocate(Math.max(this.slab, (written.length + size) * 2));
    bytes.set(written);
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.start = 0;
    this.pos = written.length;
  }

  /** Bytes that are MessagePack already. */
  raw(encoded: Uint8Array): void {
    const { length } = encoded;
    const at = this.room(length);
    const { bytes } = this;
    if (length > SHORT) bytes.set(encoded, at);
    else for (let i = 0; i < length; i++) bytes[at + i] = encoded[i] as number;
    this.pos = at + length;
  }

  /** A key, or whatever else was prepared by `words`. */
  words(prepared: Words): void {
    const { words, length } = prepared;
    const at = this.room(words.length * 4);
    const { view } = this;
    // What the last word has too much is written over by what follows.
    for (let i = 0; i < words.length; i++) view.setInt32(at + i * 4, words[i] as number);
    this.pos = at + length;
  }

  /** Room for a header that is filled in later: answers where it is, counted from the last cut. */
  reserve(size: number): number {
    const at = this.room(size);
    this.pos = at + size;
    return at - this.start;
  }

  /** Writes over a byte, counted from the last cut. */
  patch(at: number, byte: number): void {
    this.bytes[this.start + at] = byte;
  }

  mapHeader(count: number): void {
    this.countHeader(count, 0x80, 0xde);
  }

  arrayHeader(count: number): void {
    this.countHeader(count, 0x90, 0xdc);
  }

  private countHeader(count: number, fix: number, tag16: number): void {
    const at = this.room(5);
    if (count < 16) {
      this.bytes[at] = fix | count;
      this.pos = at + 1;
    } else if (count < 0x1_0000) this.tagged16(tag16, count);
    else this.tagged32(tag16 + 1, count);
  }

  // The callers of these have made room.

  private tagged8(tag: number, value: number): void {
    this.bytes[this.pos] = tag;
    this.bytes[this.pos + 1] = value;
    this.pos += 2;
  }

  private tagged16(tag: number, value: number): void {
    this.bytes[this.pos] = tag;
    this.view.setUint16(this.pos + 1, value);
    this.pos += 3;
  }

  private tagged32(tag: number, value: number): void {
    this.bytes[this.pos] = tag;
    this.view.setUint32(this.pos + 1, value);
    this.pos += 5;
  }

  /** A whole number from 0 to 2^53 − 1; throws `invalid` for any other. */
  uint(value: number): void {
    const at = this.room(9);
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER) || Math.floor(value) !== value) {
      throw new ChatError("invalid", `${value} is no whole number from 0 to 2^53 - 1.`);
    }
    if (value < 0x80) {
      this.bytes[at] = value;
      this.pos = at + 1;
    } else if (value < 0x100) this.tagged8(0xcc, value);
    else if (value < 0x1_0000) this.tagged16(0xcd, value);
    else if (value < TWO_32) this.tagged32(0xce, value);
    else {
      this.tagged32(0xcf, Math.floor(value / TWO_32));
      this.view.setUint32(at + 5, value);
      this.pos = at + 9;
    }
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  nil(): void {
    this.byte(0xc0);
  }

  private byte(value: number): void {
    // Room first: it may be made in another buffer.
    const at = this.room(1);
    this.bytes[at] = value;
    this.pos = at + 1;
  }

  text(value: string): void {
    if (value.length < 32 && this.ascii(value)) return;
    const encoded = UTF8_ENCODER.encode(value);
    const { length } = encoded;
    const at = this.room(length + 5);
    if (length < 32) {
      this.bytes[at] = 0xa0 | length;
      this.pos = at + 1;
    } else this.sizeHeader(length, 0xd9);
    this.raw(encoded);
  }

  /** Writes a text of less than 32 characters if they are all ASCII; leaves nothing and answers false otherwise. */
  private ascii(value: string): boolean {
    const { length } = value;
    const at = this.room(length + 1);
    const { bytes } = this;
    let codes = 0;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      codes |= code;
      bytes[at + 1 + i] = code;
    }
    if (codes > 0x7f) return false;
    bytes[at] = 0xa0 | length;
    this.pos = at + 1 + length;
    return true;
  }

  bin(value: Uint8Array): void {
    this.room(value.length + 5);
    this.sizeHeader(value.length, 0xc4);
    this.raw(value);
  }

  private sizeHeader(length: number, tag8: number): void {
    if (length < 0x100) this.tagged8(tag8, length);
    else if (length < 0x1_0000) this.tagged16(tag8 + 1, length);
    else this.tagged32(tag8 + 2, length);
  }

  /** The 16 bytes of a UUID, as bytes; throws `invalid` for a text that is none. */
  uuid(value: Uuid): void {
    const at = this.room(18);
    const { bytes } = this;
    bytes[at] = 0xc4;
    bytes[at + 1] = 16;
    if (!this.uuids.write(value, bytes, this.view, at + 2))
      throw new ChatError("invalid", "A UUID in lower case is wanted.");
    this.pos = at + 18;
  }
}
