import type { Uuid } from "../model/ids.js";
import { fastUuidFromBytes, fastUuidToBytes, uuidTail } from "./fast-uuids.js";
import type { UuidBytes } from "./uuid-bytes.js";

const SLOTS = 4_096;

const words = new Int32Array(SLOTS * 4);
const texts: (Uuid | undefined)[] = new Array(SLOTS).fill(undefined);

// An id that is read is written again soon, in an acknowledgement, a record, a message, and the ids of conversations
// and devices come again and again. So the last few thousand are remembered with their bytes, in slots by their last
// word, the newer one of two that meet. It also saves whoever looks an id up the hashing, as a string keeps its hash.

/** The text of the UUID in the 16 bytes at `at`. */
function readUuid(bytes: Uint8Array, at: number): Uuid {
  const a = word(bytes, at);
  const b = word(bytes, at + 4);
  const c = word(bytes, at + 8);
  const d = word(bytes, at + 12);
  const slot = d & (SLOTS - 1);
  const from = slot * 4;
  const known = texts[slot];
  if (
    known !== undefined &&
    words[from] === a &&
    words[from + 1] === b &&
    words[from + 2] === c &&
    words[from + 3] === d
  ) {
    return known;
  }
  const text = fastUuidFromBytes(bytes, at);
  words[from] = a;
  words[from + 1] = b;
  words[from + 2] = c;
  words[from + 3] = d;
  texts[slot] = text;
  return text;
}

/** Writes the 16 bytes of a UUID at `at` of `bytes`, seen through `view`. Answers false for a text that is none. */
function writeUuid(uuid: Uuid, bytes: Uint8Array, view: DataView, at: number): boolean {
  const slot = uuidTail(uuid) & (SLOTS - 1);
  const from = slot * 4;
  if (texts[slot] === uuid) {
    view.setInt32(at, words[from] as number);
    view.setInt32(at + 4, words[from + 1] as number);
    view.setInt32(at + 8, words[from + 2] as number);
    view.setInt32(at + 12, words[from + 3] as number);
    return true;
  }
  if (!fastUuidToBytes(uuid, bytes, at)) return false;
  for (let i = 0; i < 4; i++) words[from + i] = word(bytes, at + i * 4);
  texts[slot] = uuid;
  return true;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** For whoever reads and writes many: a server. */
export const RECENT_UUIDS: UuidBytes = { read: readUuid, write: writeUuid };
