const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CODES = Uint8Array.from(ALPHABET, (digit) => digit.charCodeAt(0));
const VALUES = new Int8Array(65_536).fill(-1);
for (let i = 0; i < 64; i++) VALUES[CODES[i] as number] = i;
const ascii = new TextDecoder();

/** Bytes as base64url without padding (RFC 4648, section 5). */
export function bytesToBase64url(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    // Writes past the end, where the last group is short, have no effect.
    codes[at++] = CODES[word >> 18] as number;
    codes[at++] = CODES[(word >> 12) & 63] as number;
    codes[at++] = CODES[(word >> 6) & 63] as number;
    codes[at++] = CODES[word & 63] as number;
  }
  return ascii.decode(codes);
}

/** The bytes of a base64url text, padding allowed; null where it is none. */
export function bytesFromBase64url(text: string): Uint8Array | null {
  const end = withoutPadding(text);
  if (end < 0) return null;
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let at = 0;
  let signs = 0;
  for (let i = 0; i < end; i += 4) {
    const one = VALUES[text.charCodeAt(i)] as number;
    const two = VALUES[text.charCodeAt(i + 1)] as number;
    const three = i + 2 < end ? (VALUES[text.charCodeAt(i + 2)] as number) : 0;
    const four = i + 3 < end ? (VALUES[text.charCodeAt(i + 3)] as number) : 0;
    signs |= one | two | three | four;
    bytes[at++] = (one << 2) | (two >> 4);
    bytes[at++] = (two << 4) | (three >> 2);
    bytes[at++] = (three << 6) | four;
  }
  return signs < 0 ? null : bytes;
}

/** The length without `=` at the end; -1 where no base64 is so long, or the padding doesn't fill the last group. */
function withoutPadding(text: string): number {
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text.charCodeAt(end - 1) === 61) end--;
  if (end % 4 === 1) return -1;
  return end === text.length || text.length % 4 === 0 ? end : -1;
}
