import { ChatError } from "../errors.js";

const STEP = 64;
/** Below this length a ciphertext grows in steps of 64 bytes, above in steps of at most an eighth of it. */
const STEPS_UP_TO = 512;
const MARK = 0x80;

/** The length that a text of `length` bytes gets: Padmé (PURBs, 2019), which tells its magnitude and little more. */
export function paddedLength(length: number): number {
  const least = length + 1;
  if (least <= STEPS_UP_TO) return Math.ceil(least / STEP) * STEP;
  const exponent = Math.floor(Math.log2(least));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - kept);
  return Math.ceil(least / step) * step;
}

/** The plaintext, a byte 0x80, and zeros (ISO/IEC 7816-4). */
export function pad(plaintext: Uint8Array): Uint8Array {
  const padded = new Uint8Array(paddedLength(plaintext.length));
  padded.set(plaintext);
  padded[plaintext.length] = MARK;
  return padded;
}

/** Throws `malformed` for what `pad` didn't make. Runs on authenticated bytes only. */
export function unpad(padded: Uint8Array): Uint8Array {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (end < 0 || padded[end] !== MARK || paddedLength(end) !== padded.length) {
    throw new ChatError("malformed", "padding: not as it has to be", { field: "padding" });
  }
  return padded.slice(0, end);
}
