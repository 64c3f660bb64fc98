import { v5, v7 } from "uuid";

/** A UUID in its canonical text form: lower case, with dashes. */
export type Uuid = string;

/** A user's id as the host names the user: 1 to 128 bytes of UTF-8 without control characters. */
export type UserId = string;

/** Every direct conversation's id is a version 5 UUID in this namespace. */
export const DIRECT_NAMESPACE = "0d1f6f2e-7c1b-5b59-9d3c-6a1f8f0f2a51";

/**
 * The id of the direct conversation of two users. Both sides compute the same one, in any order, without asking.
 * A user's conversation with itself is allowed: notes to self.
 */
export function directConversation(one: UserId, other: UserId): Uuid {
  // A control character can't be part of a user id, so the joined name is unambiguous.
  return v5(one < other ? `${one}\u0000${other}` : `${other}\u0000${one}`, DIRECT_NAMESPACE);
}

/** Whether an id is one that a direct conversation may have: nothing else has ids of its version. */
export function isDirectId(id: Uuid): boolean {
  return id.charAt(14) === "5";
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

/** A byte's two hexadecimal digits. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The canonical text of the 16 bytes that begin at `at`. */
export function uuidFromBytes(bytes: Uint8Array, at: number): Uuid {
  let text = "";
  for (let i = 0; i < 16; i++) text += (i > 3 && i < 11 && i % 2 === 0 ? "-" : "") + HEX[bytes[at + i] as number];
  return text;
}

/**
 * Writes the 16 bytes of a canonical UUID to `into`, beginning at `at`, and answers true; false for a text that is
 * none.
 */
export function uuidToBytes(uuid: Uuid, into: Uint8Array, at: number): boolean {
  if (!isUuid(uuid)) return false;
  const digits = uuid.replaceAll("-", "");
  for (let i = 0; i < 16; i++) into[at + i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
  return true;
}
