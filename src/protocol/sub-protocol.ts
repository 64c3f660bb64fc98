import { ChatError, isChatError } from "../errors.js";
import { FRAMES_PER_MESSAGE } from "./bounds.js";
import { Fault } from "./fault.js";

export const MSGPACK = "sentseen.v1.msgpack";
export const JSON_TEXT = "sentseen.v1.json";

/** The sub-protocols that a server takes, the preferred one first. */
export const SUB_PROTOCOLS = [MSGPACK, JSON_TEXT] as const;
export type SubProtocol = (typeof SUB_PROTOCOLS)[number];

/** What one received frame came to: a frame, or an error with the number of the request that it answers. */
export type Decoded<In> =
  | { readonly frame: In; readonly error?: never }
  | { readonly error: ChatError; readonly ref?: number };

/** Frames of one direction in, of the other out, in one sub-protocol. */
export interface Codec<In, Out> {
  readonly name: SubProtocol;
  /** One WebSocket message for one frame. */
  encode(frame: Out): Uint8Array | string;
  /**
   * The frames of one WebSocket message: one or an array. A frame that doesn't fit its schema becomes an error in its
   * place; bytes that are no frames at all throw `malformed`.
   */
  decode(message: Uint8Array | string): Decoded<In>[];
}

export interface Typed {
  readonly type: string;
}

export function unknownType(): never {
  throw new ChatError("unknown_type", undefined, { field: "type" });
}

/** Turns what a frame's schema throws into an error that answers the frame's request; `malformed` goes on up. */
export function failed<In>(error: unknown, ref: unknown): Decoded<In> {
  const refusal = error instanceof Fault ? error.toError() : error;
  if (!isChatError(refusal) || refusal.code === "malformed") throw refusal;
  return Number.isSafeInteger(ref) && (ref as number) >= 0
    ? { error: refusal, ref: ref as number }
    : { error: refusal };
}

export function tooManyFrames(): ChatError {
  return new ChatError("malformed", `At most ${FRAMES_PER_MESSAGE} frames in a message.`, {
    limit: FRAMES_PER_MESSAGE,
  });
}
