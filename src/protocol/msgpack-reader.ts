import { ChatError } from "../errors.js";
import type { Uuid } from "../model/ids.js";
import type { TextTable } from "./text-table.js";
import { PLAIN_UUIDS, type UuidBytes } from "./uuid-bytes.js";

// A byte order mark is text like any other here: what was sent is what arrives.
const UTF8_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const MAX_SKIP_DEPTH = 16;
const TWO_32 = 0x1_0000_0000;

function malformed(): never {
  throw new ChatError("malformed");
}

/**
 * Reads plain MessagePack from one buffer. Every length is compared with what is left, and with the caller's bound,
 * before anything of that length is made. Throws `malformed` where the bytes end too early or are none of this kind.
 */
export class MsgpackReader {
  pos = 0;
  private readonly end: number;

  constructor(
    readonly bytes: Uint8Array,
    private readonly uuids: UuidBytes = PLAIN_UUIDS,
  ) {
    this.end = bytes.length;
  }

  get atEnd(): boolean {
    return this.pos === this.end;
  }

  private peek(): number {
    if (this.pos >= this.end) malformed();
    return this.bytes[this.pos] as number;
  }

  /** Moves over `size` bytes and answers where they begin. */
  private advance(size: number): number {
    const from = this.pos;
    if (size > this.end - from) malformed();
    this.pos = from + size;
    return from;
  }

  private uint8(): number {
    return this.bytes[this.advance(1)] as number;
  }

  private uint16(): number {
    const at = this.advance(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  private uint32(): number {
    const { bytes } = this;
    const at = this.advance(4);
    const low = ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    return (bytes[at] as number) * 0x100_0000 + low;
  }

  /** Consumes a nil and answers true, or leaves what is there. */
  nil(): boolean {
    if (this.pos >= this.end || this.bytes[this.pos] !== 0xc0) return false;
    this.pos++;
    return true;
  }

  /** The number of pairs of a map; null, consuming nothing, where the value is something else. */
  map(): number | null {
    const tag = this.peek();
    if ((tag & 0xf0) === 0x80) return this.fits(tag & 0x0f, 2);
    if (tag === 0xde || tag === 0xdf) return this.fits(-1, 2);
    return null;
  }

  /** The number of items of an array; null, consuming nothing, where the value is something else. */
  array(): number | null {
    const tag = this.peek();
    if ((tag & 0xf0) === 0x90) return this.fits(tag & 0x0f, 1);
    if (tag === 0xdc || tag === 0xdd) return this.fits(-1, 1);
    return null;
  }

  /** Moves over a header; its count, `known` or read, must have at least `perItem` bytes an item behind it. */
  private fits(known: number, perItem: 1 | 2): number {
    const tag = this.uint8();
    let count = known;
    if (count < 0) count = (tag & 1) === 0 ? this.uint16() : this.uint32();
    if (count * perItem > this.end - this.pos) malformed();
    return count;
  }

  /** The length of the text that begins here, with `pos` moved to its first byte; null where there is no text. */
  textLength(): number | null {
    const tag = this.peek();
    if ((tag & 0xe0) === 0xa0) {
      this.pos++;
      const length = tag & 0x1f;
      if (length > this.end - this.pos) malformed();
      return length;
    }
    return tag >= 0xd9 && tag <= 0xdb ? this.sized(0xd9) : null;
  }

  /** The length of the bytes that begin here, with `pos` moved to the first; null where there are none. */
  bytesLength(): number | null {
    const tag = this.peek();
    return tag >= 0xc4 && tag <= 0xc6 ? this.sized(0xc4) : null;
  }

  /** A length after one of three tags, `tag8` the one of a single byte. */
  private sized(tag8: number): number {
    const size = this.uint8() - tag8;
    let length: number;
    if (size === 0) length = this.uint8();
    else length = size === 1 ? this.uint16() : this.uint32();
    if (length > this.end - this.pos) malformed();
    return length;
  }

  /** Decodes `length` bytes of text, which `textLength` has found to be there. */
  takeText(length: number): string {
    const { bytes } = this;
    const from = this.advance(length);
    if (length <= 24) {
      let text = "";
      let i = from;
      for (; i < this.pos; i++) {
        const code = bytes[i] as number;
        if (code > 0x7f) break;
        text += String.fromCharCode(code);
      }
      if (i === this.pos) return text;
    }
    try {
      return UTF8_DECODER.decode(bytes.subarray(from, this.pos));
    } catch {
      return malformed();
    }
  }

  /**
   * What a table has for the text that begins here; undefined where it has nothing or this is no text. Moves over a
   * text in either case.
   */
  takeKnown<T>(table: TextTable<T>): T | undefined {
    const length = this.textLength();
    if (length === null) return undefined;
    return table.find(this.bytes, this.advance(length), length);
  }

  /** A view of `length` bytes, which `bytesLength` has found to be there. It shares memory with the frame. */
  takeBytes(length: number): Uint8Array {
    const from = this.advance(length);
    return this.bytes.subarray(from, this.pos);
  }

  /** The UUID in the next 16 bytes. */
  takeUuid(): Uuid {
    return this.uuids.read(this.bytes, this.advance(16));
  }

  /** A whole number from 0 to 2^53 − 1; null, with `pos` unmoved, where the value is anything else. */
  uint(): number | null {
    const tag = this.peek();
    if (tag <= 0x7f) {
      this.pos++;
      return tag;
    }
    const from = this.pos++;
    let value = -1;
    if (tag === 0xcc) value = this.uint8();
    else if (tag === 0xcd) value = this.uint16();
    else if (tag === 0xce) value = this.uint32();
    else if (tag === 0xcf) value = this.uint32() * TWO_32 + this.uint32();
    else if (tag >= 0xd0 && tag <= 0xd3) value = this.signed(tag);
    else if (tag === 0xca || tag === 0xcb) value = this.float(tag === 0xca ? 4 : 8);
    if (Number.isSafeInteger(value) && value >= 0) return value;
    this.pos = from;
    return null;
  }

  /** A signed integer; a negative one comes out as some number that is no uint. */
  private signed(tag: number): number {
    const negative = this.peek() > 0x7f;
    let value: number;
    if (tag === 0xd0) value = this.uint8();
    else if (tag === 0xd1) value = this.uint16();
    else if (tag === 0xd2) value = this.uint32();
    else value = this.uint32() * TWO_32 + this.uint32();
    return negative ? -1 : value;
  }

  private float(size: 4 | 8): number {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.advance(size), size);
    return size === 4 ? view.getFloat32(0) : view.getFloat64(0);
  }

  bool(): boolean | null {
    const tag = this.peek();
    if (tag !== 0xc2 && tag !== 0xc3) return null;
    this.pos++;
    return tag === 0xc3;
  }

  /** Passes over one value of whatever kind, at most 16 levels deep. */
  skip(depth = 0): void {
    if (depth > MAX_SKIP_DEPTH) malformed();
    const length = this.textLength() ?? this.bytesLength();
    if (length !== null) {
      this.advance(length);
      return;
    }
    const pairs = this.map();
    const items = pairs === null ? this.array() : pairs * 2;
    if (items !== null) {
      for (let i = 0; i < items; i++) this.skip(depth + 1);
      return;
    }
    const tag = this.uint8();
    if (tag <= 0x7f || tag >= 0xe0 || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return;
    const size = SCALAR_SIZES[tag - 0xca];
    if (size !== undefined) this.advance(size);
    else if (tag === 0xc7) this.advance(this.uint8() + 1);
    else if (tag === 0xc8) this.advance(this.uint16() + 1);
    else if (tag === 0xc9) this.advance(this.uint32() + 1);
    else malformed();
  }
}

/** Bytes behind the tags from 0xca on: floats, integers and fixed extensions. */
const SCALAR_SIZES = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17] as const;
