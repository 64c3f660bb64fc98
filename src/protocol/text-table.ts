const utf8 = new TextEncoder();

interface Entry<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

/** A fixed set of short texts, recognised by their bytes without decoding them. An open-addressing hash table. */
export class TextTable<T> {
  private readonly slots: (Entry<T> | undefined)[];
  private readonly mask: number;

  constructor(texts: Iterable<readonly [text: string, value: T]>) {
    const entries = Array.from(texts, ([text, value]) => ({ bytes: utf8.encode(text), value }));
    let size = 4;
    while (size < entries.length * 4) size *= 2;
    this.mask = size - 1;
    this.slots = new Array(size).fill(undefined);
    for (const entry of entries) {
      let slot = this.slot(entry.bytes, 0, entry.bytes.length);
      while (this.slots[slot] !== undefined) slot = (slot + 1) & this.mask;
      this.slots[slot] = entry;
    }
  }

  /** The value of the text in the `length` bytes from `from`; undefined where the set doesn't have it. */
  find(bytes: Uint8Array, from: number, length: number): T | undefined {
    if (length === 0) return undefined;
    for (let slot = this.slot(bytes, from, length); ; slot = (slot + 1) & this.mask) {
      const entry = this.slots[slot];
      if (entry === undefined) return undefined;
      const known = entry.bytes;
      if (known.length !== length) continue;
      let i = 0;
      while (i < length && bytes[from + i] === known[i]) i++;
      if (i === length) return entry.value;
    }
  }

  private slot(bytes: Uint8Array, from: number, length: number): number {
    const first = bytes[from] as number;
    const middle = bytes[from + (length >> 1)] as number;
    const last = bytes[from + length - 1] as number;
    return (length + first * 3 + middle * 5 + last * 11) & this.mask;
  }
}
