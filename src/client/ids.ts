import { DIRECT_NAMESPACE, type UserId, type Uuid, uuidFromBytes, uuidToBytes } from "../model/ids.js";
import { sha1 } from "./sha1.js";

// The ids of the model once more, in a fraction of the bytes that the library takes in a browser's bundle. Tests hold
// them against it.

const utf8 = new TextEncoder();

let last = 0;

/** A new time-ordered id (UUID version 7, RFC 9562): later ones of one process are greater. */
export function newId(): Uuid {
  // The millisecond and ten bits below it, which count where several ids fall into one.
  last = Math.max(Date.now() * 1_024, last + 1);
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = Math.floor(last / 1_024);
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(time / 256 ** (5 - i)) % 256;
  const count = last % 1_024;
  bytes[6] = 0x70 | (count >> 8);
  bytes[7] = count;
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  return uuidFromBytes(bytes, 0);
}

/** The id of the direct conversation of two users (UUID version 5, RFC 9562): both sides compute the same one. */
export function directConversation(one: UserId, other: UserId): Uuid {
  const name = utf8.encode(one < other ? `${one}\u0000${other}` : `${other}\u0000${one}`);
  const named = new Uint8Array(16 + name.length);
  uuidToBytes(DIRECT_NAMESPACE, named, 0);
  named.set(name, 16);
  const hash = sha1(named);
  hash[6] = 0x50 | ((hash[6] as number) & 0x0f);
  hash[8] = 0x80 | ((hash[8] as number) & 0x3f);
  return uuidFromBytes(hash, 0);
}
