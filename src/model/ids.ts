import { v5, v7 } from "uuid";

/** A UUID in its canonical text form: lower case, with dashes. */
export type Uuid = string;

/** A user's id as the host names the user: 1 to 128 bytes of UTF-8 without control characters. */
export type UserId = string;

/** Every direct conversation's id is a version 5 UUID in this namespace. */
const DIRECT_NAMESPACE = "0d1f6f2e-7c1b-5b59-9d3c-6a1f8f0f2a51";

/**
 * The id of the direct conversation of two users. Both sides compute the same one, in any order, without asking.
 * A user's conversation with itself is allowed: notes to self.
 */
export function directConversation(one: UserId, other: UserId): Uuid {
  // A control character can't be part of a user id, so the joined name is unambiguous.
  return v5(one < other ? `${one}\u0000${other}` : `${other}\u0000${one}`, DIRECT_NAMESPACE);
}

/** A new time-ordered id (UUID version 7) for a message, a command, a device or a group. */
export function newId(): Uuid {
  return v7();
}

const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is a UUID in canonical form. */
export function isUuid(text: string): boolean {
  return UUID_TEXT.test(text);
}

/** The character codes of a byte's two hexadecimal digits. */
const HIGH = new Uint8Array(256);
const LOW = new Uint8Array(256);
/** The value of a hexadecimal digit by its character code; -1 for what is none. */
const DIGIT = new Int8Array(128).fill(-1);
for (let byte = 0; byte < 256; byte++) {
  const hex = byte.toString(16).padStart(2, "0");
  HIGH[byte] = hex.charCodeAt(0);
  LOW[byte] = hex.charCodeAt(1);
}
for (let digit = 0; digit < 16; digit++) DIGIT[digit.toString(16).charCodeAt(0)] = digit;

/** The canonical text of the 16 bytes that begin at `at`. */
export function uuidFromBytes(bytes: Uint8Array, at: number): Uuid {
  const high = (i: number): number => HIGH[bytes[at + i] as number] as number;
  const low = (i: number): number => LOW[bytes[at + i] as number] as number;
  // One call makes one flat string: joining pieces makes a tree of them, which whoever looks the id up has to flatten.
  return String.fromCharCode(
    high(0), low(0), high(1), low(1), high(2), low(2), high(3), low(3), 45,
    high(4), low(4), high(5), low(5), 45, high(6), low(6), high(7), low(7), 45,
    high(8), low(8), high(9), low(9), 45, high(10), low(10), high(11), low(11),
    high(12), low(12), high(13), low(13), high(14), low(14), high(15), low(15),
  );
}

/**
 * Writes the 16 bytes of a canonical UUID to `into`, beginning at `at`, and answers true. Answers false for a text
 * that is none; what was written then means nothing.
 */
export function uuidToBytes(uuid: Uuid, into: Uint8Array, at: number): boolean {
  if (uuid.length !== 36) return false;
  let codes = 0;
  let digits = 0;
  let from = 0;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) {
      if (uuid.charCodeAt(from++) !== 45) return false;
    }
    const one = uuid.charCodeAt(from);
    const other = uuid.charCodeAt(from + 1);
    from += 2;
    codes |= one | other;
    const high = DIGIT[one] as number;
    const low = DIGIT[other] as number;
    digits |= high | low;
    into[at + i] = (high << 4) | low;
  }
  // Past 127 the table has no entry; a digit of -1 leaves its sign in `digits`.
  return codes < 128 && digits >= 0;
}
