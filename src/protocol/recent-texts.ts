const SLOTS = 2_048;
const MAX_LENGTH = 48;

/**
 * Remembers short ASCII texts, the newer one of two that meet in a slot: the same few users come again and again.
 * What is put has been checked, so what is found needs no check.
 */
export class RecentTexts {
  private readonly texts: string[] = new Array(SLOTS).fill("");

  /** The text that these bytes are, if it was put lately. */
  find(bytes: Uint8Array, from: number, length: number): string | undefined {
    if (length > MAX_LENGTH) return undefined;
    const text = this.texts[slotOf(bytes, from, length)] as string;
    if (text.length !== length) return undefined;
    for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return undefined;
    return text;
  }

  put(bytes: Uint8Array, from: number, length: number, text: string): void {
    // As many characters as bytes: it is ASCII.
    if (length <= MAX_LENGTH && text.length === length) this.texts[slotOf(bytes, from, length)] = text;
  }
}

function slotOf(bytes: Uint8Array, from: number, length: number): number {
  let hash = length;
  for (let i = from; i < from + length; i++) hash = Math.imul(hash, 31) + (bytes[i] as number);
  return (Math.imul(hash, 0x9e3779b1) >>> 16) & (SLOTS - 1);
}
