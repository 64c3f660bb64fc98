/** Bytes behind the tag of a scalar, by tag from 0xca on: floats, unsigned, signed, fixed extensions. */
const SCALAR = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17];

/** Walks over MessagePack that a trusted server wrote, building nothing: what a generator can afford per message. */
export class MsgpackWalk {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;

  private big(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + (this.bytes[this.at++] as number);
    return value;
  }

  /** The pairs of the map that begins here. */
  pairs(): number {
    const tag = this.bytes[this.at++] as number;
    if (tag >= 0x80 && tag <= 0x8f) return tag & 0x0f;
    if (tag === 0xde) return this.big(2);
    throw new Error(`Not a map: 0x${tag.toString(16)}`);
  }

  /** The items of the array that begins here; −1, consuming nothing, where there is none. */
  items(): number {
    const tag = this.bytes[this.at] as number;
    if (tag >= 0x90 && tag <= 0x9f) {
      this.at++;
      return tag & 0x0f;
    }
    if (tag !== 0xdc) return -1;
    this.at++;
    return this.big(2);
  }

  /** The length of the text or bytes that begin here, `at` moved to the first. */
  length(): number {
    const tag = this.bytes[this.at++] as number;
    if (tag >= 0xa0 && tag <= 0xbf) return tag & 0x1f;
    if (tag === 0xc4 || tag === 0xd9) return this.big(1);
    if (tag === 0xc5 || tag === 0xda) return this.big(2);
    if (tag === 0xc6 || tag === 0xdb) return this.big(4);
    throw new Error(`Neither text nor bytes: 0x${tag.toString(16)}`);
  }

  text(): string {
    const length = this.length();
    this.at += length;
    return this.bytes.toString("latin1", this.at - length, this.at);
  }

  uint(): number {
    const tag = this.bytes[this.at++] as number;
    if (tag <= 0x7f) return tag;
    if (tag >= 0xcc && tag <= 0xcf) return this.big(1 << (tag - 0xcc));
    throw new Error(`Not a whole number: 0x${tag.toString(16)}`);
  }

  skip(): void {
    const tag = this.bytes[this.at] as number;
    if (tag <= 0x7f || tag >= 0xe0 || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) this.at++;
    else if (tag <= 0x8f || tag === 0xde) for (let left = this.pairs() * 2; left > 0; left--) this.skip();
    else if (tag <= 0x9f || tag === 0xdc) for (let left = this.items(); left > 0; left--) this.skip();
    else if (tag >= 0xca && tag <= 0xd8) this.at += 1 + (SCALAR[tag - 0xca] as number);
    else {
      const length = this.length();
      this.at += length;
    }
  }
}
