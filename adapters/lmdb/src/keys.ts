import { ChatError } from "sentseen/ports";

/*
 * Keys are compared byte by byte, so each is built such that this is the order in which rows are read: names with
 * their length before them (no name is then a beginning of another), ids as their 16 bytes, numbers as 8 bytes, the
 * greatest first.
 */

const ID_BYTES = 16;
const NUMBER_BYTES = 8;
const MAX_NAME_BYTES = 255;

/** A name's bytes with their number before them. Throws `invalid` beyond 255 bytes. */
export function nameKey(name: string): Buffer {
  const length = Buffer.byteLength(name);
  if (length > MAX_NAME_BYTES) {
    throw new ChatError("invalid", `A name of ${length} bytes is too long.`, { limit: MAX_NAME_BYTES });
  }
  const key = Buffer.allocUnsafe(1 + length);
  key[0] = length;
  key.write(name, 1);
  return key;
}

/** The name at the beginning of a key. */
export function nameIn(key: Buffer): string {
  return key.toString("utf8", 1, nameEnd(key));
}

/** Where the name at the beginning of a key ends. */
export function nameEnd(key: Buffer): number {
  return 1 + (key[0] as number);
}

/** A key that goes on from another with a whole number of 0 or more. */
export function withNumber(prefix: Buffer, number: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + NUMBER_BYTES);
  key.set(prefix);
  writeNumber(key, number, prefix.length);
  return key;
}

/** A key that goes on from another with an id. */
export function withId(prefix: Buffer, id: string): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + ID_BYTES);
  key.set(prefix);
  writeId(key, id, prefix.length);
  return key;
}

/** An id as a key. */
export function idKey(id: string): Buffer {
  return withId(NOTHING, id);
}

const NOTHING = Buffer.alloc(0);

/** The first key after all that begin with `prefix`. */
export function behind(prefix: Buffer): Buffer {
  // No key goes on for this long with bytes of 255: ids, numbers and UTF-8 all have others.
  return Buffer.concat([prefix, Buffer.alloc(ID_BYTES + NUMBER_BYTES, 255)]);
}

/** A number of 0 up to 2^53 at a place of a key. What lies outside counts as the nearest that doesn't. */
export function writeNumber(key: Buffer, number: number, at: number): void {
  const within = Math.min(Math.max(number, 0), Number.MAX_SAFE_INTEGER + 1);
  key.writeUInt32BE(Math.floor(within / 0x1_0000_0000), at);
  key.writeUInt32BE(within % 0x1_0000_0000, at + 4);
}

export function readNumber(key: Buffer, at: number): number {
  return key.readUInt32BE(at) * 0x1_0000_0000 + key.readUInt32BE(at + 4);
}

function writeId(key: Buffer, id: string, at: number): void {
  if (id.length !== 36) throw new ChatError("invalid", `${id} is not a UUID in its canonical form.`);
  let from = 0;
  for (let i = 0; i < ID_BYTES; i++) {
    if (from === 8 || from === 13 || from === 18 || from === 23) from++;
    key[at + i] = (nibble(id.charCodeAt(from)) << 4) | nibble(id.charCodeAt(from + 1));
    from += 2;
  }
}

export function readId(key: Buffer, at: number): string {
  const hex = key.toString("hex", at, at + ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** 0–9 from a digit's character code, 10–15 from a lower-case letter's. */
function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
