import { ChatError, isChatError } from "../errors.js";
import type { Limits } from "../model/limits.js";
import { clientCodec, JSON_TEXT, type SubProtocol, serverCodec } from "../protocol/codec.js";
import type { ClientFrame } from "../protocol/frames.js";
import type { CommandFrame } from "./stores/store.js";

const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();

/**
 * Throws what the server would answer, before a command gets into the outbox: `invalid` or `too_large`, with the
 * field and the limit.
 */
export function validate(frame: CommandFrame, limits: Limits, subProtocol: SubProtocol): void {
  const content = frame.type === "send" ? frame.content.length : 0;
  if (content > limits.content) throw tooLarge("content", limits.content);
  const complete = { ...frame, ref: Number.MAX_SAFE_INTEGER } as ClientFrame;
  try {
    // JSON carries values as they are, so whatever is of a wrong kind is found. Bytes need no second look.
    const light = complete.type === "send" ? { ...complete, content: NOTHING } : complete;
    for (const { error } of serverCodec(JSON_TEXT).decode(clientCodec(JSON_TEXT).encode(light))) {
      if (error !== undefined) throw error;
    }
  } catch (cause) {
    throw isChatError(cause) ? cause : new ChatError("invalid", undefined, { cause });
  }
  const encoded = clientCodec(subProtocol).encode(complete);
  const size = typeof encoded === "string" ? utf8.encode(encoded).length : encoded.length;
  if (size > limits.frame) throw tooLarge("frame", limits.frame);
}

function tooLarge(field: string, limit: number): ChatError {
  return new ChatError("too_large", `${field}: at most ${limit} bytes`, { field, limit });
}
