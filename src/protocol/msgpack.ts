import { ChatError } from "../errors.js";
import { uuidFromBytes, uuidToBytes } from "../model/ids.js";

const UTF8_DECODER = new TextDecoder("utf-8", { fatal: true });
const UTF8_ENCODER = new TextEncoder();
const MAX_SKIP_DEPTH = 16;

function malformed(): never {
  throw new ChatError("malformed");
}

/**
 * Reads plain MessagePack from one buffer. Every length is compared with what is left, and with the caller's bound,
 * before anything of that length is made.
 */
export class MsgpackReader {
  pos = 0;

  constructor(readonly bytes: Uint8Array) {}

  get atEnd(): boolean {
    return this.pos === this.bytes.length;
  }

  peek(): number {
    return this.bytes[this.pos] ?? malformed();
  }

  private byte(): number {
    return this.bytes[this.pos++] ?? malformed();
  }

  private big(size: 1 | 2 | 4): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + this.byte();
    return value;
  }

  /** Consumes a nil and answers true, or leaves what is there. */
  nil(): boolean {
    if (this.bytes[this.pos] !== 0xc0) return false;
    this.pos++;
    return true;
  }

  /** The number of pairs of a map; null, consuming nothing, where the value is something else. */
  map(): number | null {
    const tag = this.peek();
    if (tag >= 0x80 && tag <= 0x8f) return this.header(tag & 0x0f, 0, 2);
    if (tag === 0xde) return this.header(-1, 2, 2);
    if (tag === 0xdf) return this.header(-1, 4, 2);
    return null;
  }

  /** The number of items of an array; null, consuming nothing, where the value is something else. */
  array(): number | null {
    const tag = this.peek();
    if (tag >= 0x90 && tag <= 0x9f) return this.header(tag & 0x0f, 0, 1);
    if (tag === 0xdc) return this.header(-1, 2, 1);
    if (tag === 0xdd) return this.header(-1, 4, 1);
    return null;
  }

  private header(known: number, size: 0 | 2 | 4, perItem: number): number {
    this.pos++;
    const count = size === 0 ? known : this.big(size);
    if (count * perItem > this.bytes.length - this.pos) malformed();
    return count;
  }

  /** The length of the text that begins here, with `pos` moved to its first byte; null where there is no text. */
  textLength(): number | null {
    const tag = this.peek();
    if (tag >= 0xa0 && tag <= 0xbf) return this.header(tag & 0x1f, 0, 1);
    if (tag === 0xd9) return this.sized(1);
    if (tag === 0xda) return this.sized(2);
    if (tag === 0xdb) return this.sized(4);
    return null;
  }

  /** The length of the bytes that begin here, with `pos` moved to the first; null where there are none. */
  bytesLength(): number | null {
    const tag = this.peek();
    if (tag === 0xc4) return this.sized(1);
    if (tag === 0xc5) return this.sized(2);
    if (tag === 0xc6) return this.sized(4);
    return null;
  }

  private sized(size: 1 | 2 | 4): number {
    this.pos++;
    const length = this.big(size);
    if (length > this.bytes.length - this.pos) malformed();
    return length;
  }

  /** Decodes `length` bytes of text. */
  takeText(length: number): string {
    const { bytes, pos } = this;
    this.pos += length;
    if (length <= 40) {
      let text = "";
      let i = pos;
      for (; i < this.pos; i++) {
        const code = bytes[i] as number;
        if (code > 0x7f) break;
        text += String.fromCharCode(code);
      }
      if (i === this.pos) return text;
    }
    try {
      return UTF8_DECODER.decode(bytes.subarray(pos, this.pos));
    } catch {
      return malformed();
    }
  }

  /** A view of `length` bytes. It shares memory with the frame. */
  takeBytes(length: number): Uint8Array {
    const from = this.pos;
    this.pos += length;
    return this.bytes.subarray(from, this.pos);
  }

  takeUuid(): string {
    const from = this.pos;
    this.pos += 16;
    return uuidFromBytes(this.bytes, from);
  }

  /** A whole number from 0 to 2^53 − 1; null, with `pos` unmoved, where the value is anything else. */
  uint(): number | null {
    const tag = this.peek();
    if (tag <= 0x7f) {
      this.pos++;
      return tag;
    }
    const from = this.pos;
    this.pos++;
    if (tag === 0xcc) return this.big(1);
    if (tag === 0xcd) return this.big(2);
    if (tag === 0xce) return this.big(4);
    if (tag === 0xcf || tag === 0xd3) {
      const value = this.big(4) * 0x1_0000_0000 + this.big(4);
      if (value <= Number.MAX_SAFE_INTEGER) return value;
    } else if (tag === 0xcb) {
      if (this.bytes.length - this.pos < 8) malformed();
      const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.pos, 8);
      const value = view.getFloat64(0);
      this.pos += 8;
      if (Number.isSafeInteger(value) && value >= 0) return value;
    }
    this.pos = from;
    return null;
  }

  bool(): boolean | null {
    const tag = this.peek();
    if (tag !== 0xc2 && tag !== 0xc3) return null;
    this.pos++;
    return tag === 0xc3;
  }

  /** Passes over one value of whatever kind. */
  skip(depth = 0): void {
    if (depth > MAX_SKIP_DEPTH) malformed();
    const length = this.textLength() ?? this.bytesLength();
    if (length !== null) {
      this.pos += length;
      return;
    }
    const pairs = this.map();
    const items = pairs === null ? this.array() : pairs * 2;
    if (items !== null) {
      for (let i = 0; i < items; i++) this.skip(depth + 1);
      return;
    }
    const tag = this.byte();
    if (tag <= 0x7f || tag >= 0xe0 || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return;
    const size = SCALAR_SIZE[tag];
    if (size !== undefined) this.pos += size;
    else if (tag >= 0xc7 && tag <= 0xc9) this.pos += this.big((1 << (tag - 0xc7)) as 1 | 2 | 4) + 1;
    else malformed();
    if (this.pos > this.bytes.length) malformed();
  }
}

/** Bytes behind the tag: floats, integers and fixed extensions. */
const SCALAR_SIZE: Readonly<Record<number, number>> = {
  0xca: 4, 0xcb: 8, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8,
  0xd4: 2, 0xd5: 3, 0xd6: 5, 0xd7: 9, 0xd8: 17,
};

/** Writes plain MessagePack into a buffer that grows. `take` cuts what was written since the last cut. */
export class MsgpackWriter {
  private bytes: Uint8Array;
  private start = 0;
  private pos = 0;

  /** `slab` is how many bytes are allocated at a time; frames cut from one slab share its memory. */
  constructor(
    private readonly slab = 65_536,
    private readonly allocate: (size: number) => Uint8Array = (size) => new Uint8Array(size),
  ) {
    this.bytes = allocate(slab);
  }

  /** The bytes since the last cut. They stay untouched afterwards. */
  take(): Uint8Array {
    const frame = this.bytes.subarray(this.start, this.pos);
    this.start = this.pos;
    return frame;
  }

  /** Forgets what was written since the last cut. */
  reset(): void {
    this.pos = this.start;
  }

  /** The number of bytes since the last cut. */
  get length(): number {
    return this.pos - this.start;
  }

  private room(size: number): void {
    if (this.pos + size <= this.bytes.length) return;
    const written = this.bytes.subarray(this.start, this.pos);
    const bytes = this.allocate(Math.max(this.slab, (written.length + size) * 2));
    bytes.set(written);
    this.bytes = bytes;
    this.start = 0;
    this.pos = written.length;
  }

  /** Bytes that are MessagePack already. */
  raw(encoded: Uint8Array): void {
    const length = encoded.length;
    this.room(length);
    if (length > 32) this.bytes.set(encoded, this.pos);
    else for (let i = 0; i < length; i++) this.bytes[this.pos + i] = encoded[i] as number;
    this.pos += length;
  }

  /** Room for a header that is filled in later: answers where it is, counted from the last cut. */
  reserve(size: number): number {
    this.room(size);
    const at = this.pos - this.start;
    this.pos += size;
    return at;
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
    this.room(3);
    if (count < 16) this.bytes[this.pos++] = fix | count;
    else this.tagged(tag16, count, 2);
  }

  private tagged(tag: number, value: number, size: 1 | 2 | 4): void {
    const { bytes } = this;
    bytes[this.pos] = tag;
    for (let i = size, rest = value; i > 0; i--) {
      bytes[this.pos + i] = rest & 0xff;
      rest = Math.floor(rest / 256);
    }
    this.pos += size + 1;
  }

  uint(value: number): void {
    this.room(9);
    if (value < 0x80) this.bytes[this.pos++] = value;
    else if (value < 0x100) this.tagged(0xcc, value, 1);
    else if (value < 0x1_0000) this.tagged(0xcd, value, 2);
    else if (value < 0x1_0000_0000) this.tagged(0xce, value, 4);
    else {
      this.tagged(0xcf, Math.floor(value / 0x1_0000_0000), 4);
      const low = value >>> 0;
      const { bytes } = this;
      bytes[this.pos++] = low >>> 24;
      bytes[this.pos++] = (low >>> 16) & 0xff;
      bytes[this.pos++] = (low >>> 8) & 0xff;
      bytes[this.pos++] = low & 0xff;
    }
  }

  bool(value: boolean): void {
    this.room(1);
    this.bytes[this.pos++] = value ? 0xc3 : 0xc2;
  }

  nil(): void {
    this.room(1);
    this.bytes[this.pos++] = 0xc0;
  }

  text(value: string): void {
    const length = value.length;
    if (length < 32) {
      this.room(length + 1);
      const { bytes } = this;
      let at = this.pos + 1;
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 0x7f) break;
        bytes[at++] = code;
      }
      if (i === length) {
        bytes[this.pos] = 0xa0 | length;
        this.pos = at;
        return;
      }
    }
    const encoded = UTF8_ENCODER.encode(value);
    this.room(encoded.length + 5);
    if (encoded.length < 32) this.bytes[this.pos++] = 0xa0 | encoded.length;
    else this.sizeHeader(encoded.length, 0xd9);
    this.raw(encoded);
  }

  bin(value: Uint8Array): void {
    this.room(5);
    this.sizeHeader(value.length, 0xc4);
    this.raw(value);
  }

  private sizeHeader(length: number, tag8: number): void {
    if (length < 0x100) this.tagged(tag8, length, 1);
    else if (length < 0x1_0000) this.tagged(tag8 + 1, length, 2);
    else this.tagged(tag8 + 2, length, 4);
  }

  uuid(value: string): void {
    this.room(18);
    this.bytes[this.pos] = 0xc4;
    this.bytes[this.pos + 1] = 16;
    uuidToBytes(value, this.bytes, this.pos + 2);
    this.pos += 18;
  }
}
