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

const HEX: string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The canonical text of the 16 bytes that begin at `at`. */
export function uuidFromBytes(bytes: Uint8Array, at: number): Uuid {
  let text = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
    text += HEX[bytes[at + i] as number];
  }
  return text;
}

/** Writes the 16 bytes of a canonical UUID to `into`, beginning at `at`. */
export function uuidToBytes(uuid: Uuid, into: Uint8Array, at: number): void {
  let from = 0;
  for (let i = 0; i < 16; i++) {
    if (from === 8 || from === 13 || from === 18 || from === 23) from++;
    into[at + i] = (nibble(uuid.charCodeAt(from)) << 4) | nibble(uuid.charCodeAt(from + 1));
    from += 2;
  }
}

/** 0–9 from a digit's character code, 10–15 from a lower-case letter's. */
function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
