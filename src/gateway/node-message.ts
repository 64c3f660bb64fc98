import { pack, unpack } from "msgpackr";
import type { ConnectionEntry } from "../ports/connection-registry.js";

/** What one node tells another: the entry of a connection of the other's that a newer one has replaced. */
export function encodeReplaced(entry: ConnectionEntry): Uint8Array {
  return pack(entry);
}

export function decodeReplaced(bytes: Uint8Array): ConnectionEntry {
  return unpack(bytes) as ConnectionEntry;
}
