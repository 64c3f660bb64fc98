import { ChatError, isChatError } from "../errors.js";
import type { Limits } from "../model/limits.js";
import type { ClientFrame } from "../protocol/frames.js";
import { MSGPACK_CLIENT, msgpackServer } from "../protocol/msgpack-codec.js";
import type { CommandFrame } from "./stores/store.js";

const NOTHING = new Uint8Array(0);
const server = msgpackServer();

/**
 * Throws what the server would answer, before a command gets into the outbox: `invalid` or `too_large`, with the
 * field and the limit.
 */
export function validate(frame: CommandFrame, limits: Limits): void {
  const content = frame.type === "send" ? frame.content.length : 0;
  if (content > limits.content) throw tooLarge("content", limits.content);
  const complete = { ...frame, ref: Number.MAX_SAFE_INTEGER } as ClientFrame;
  let size: number;
  try {
    // The content's bytes need no second look.
    const light = complete.type === "send" ? { ...complete, content: NOTHING } : complete;
    const encoded = MSGPACK_CLIENT.encode(light) as Uint8Array;
    size = encoded.length + content;
    for (const { error } of server.decode(encoded)) if (error !== undefined) throw error;
  } catch (cause) {
    throw isChatError(cause) && cause.code !== "malformed" ? cause : new ChatError("invalid", undefined, { cause });
  }
  if (size > limits.frame) throw tooLarge("frame", limits.frame);
}

function tooLarge(field: string, limit: number): ChatError {
  return new ChatError("too_large", `${field}: at most ${limit} bytes`, { field, limit });
}
