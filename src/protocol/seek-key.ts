import { ChatError } from "../errors.js";
import type { MsgpackReader } from "./msgpack-reader.js";

/**
 * Looks through `pairs` pairs, which begin at the reader's position, for a key, given as UTF-8. Answers whether it is
 * there; the reader then stands at its value, else behind the last pair. Of two keys alike the first is found.
 */
export function seekKey(reader: MsgpackReader, pairs: number, key: Uint8Array): boolean {
  for (let i = 0; i < pairs; i++) {
    const length = reader.textLength();
    if (length === null) throw new ChatError("malformed", "A map's keys must be text.");
    const from = reader.pos;
    reader.pos = from + length;
    if (length === key.length) {
      let same = 0;
      while (same < length && reader.bytes[from + same] === key[same]) same++;
      if (same === length) return true;
    }
    reader.skip();
  }
  return false;
}
