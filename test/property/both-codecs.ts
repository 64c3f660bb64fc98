import { isChatError } from "../../src/errors.js";
import {
  type Codec,
  clientCodec,
  type Decoded,
  SUB_PROTOCOLS,
  type SubProtocol,
  serverCodec,
} from "../../src/protocol/codec.js";
import { RECENT_UUIDS } from "../../src/protocol/recent-uuids.js";
import type { FRAMES } from "./frame-values.js";

interface AnyFrame {
  readonly type: string;
}

/** A codec whose frames are drawn by chance, so that their types say nothing. */
export type AnyCodec = Codec<AnyFrame, AnyFrame>;

/** Both ends of what one side sends in one sub-protocol. */
export interface Ends {
  readonly name: SubProtocol;
  encode(frame: AnyFrame): Uint8Array | string;
  decode(message: Uint8Array | string): Decoded<AnyFrame>[];
}

export function ends(side: keyof typeof FRAMES, name: SubProtocol): Ends {
  const client = clientCodec(name) as unknown as AnyCodec;
  // As the gateway has it, beside the envelope.
  const options = { allocate: Buffer.allocUnsafeSlow, uuids: RECENT_UUIDS };
  const server = serverCodec(name, options) as unknown as AnyCodec;
  const [writer, reader] = side === "client" ? [client, server] : [server, client];
  return { name, encode: (frame) => writer.encode(frame), decode: (message) => reader.decode(message) };
}

export const SIDES = ["client", "server"] as const;
export const ALL_ENDS = SIDES.flatMap((side) => SUB_PROTOCOLS.map((name) => ({ side, ...ends(side, name) })));

/**
 * What a message came to in a few words: "ok", or the code of the error that its decoding threw or handed out.
 * Rethrows whatever is no ChatError, and refuses answers that are neither a frame nor an error.
 */
export function outcome(reader: Pick<Ends, "decode">, message: Uint8Array | string): string {
  let decoded: Decoded<AnyFrame>[];
  try {
    decoded = reader.decode(message);
  } catch (error) {
    if (!isChatError(error)) throw error;
    return error.code;
  }
  for (const one of decoded) {
    if (one.error === undefined) {
      if (typeof one.frame.type !== "string") throw new Error("a frame without a type");
      continue;
    }
    if (!isChatError(one.error)) throw one.error;
    return one.error.code;
  }
  return "ok";
}
