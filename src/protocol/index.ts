// The protocol for whoever speaks it without the client: tools, gateways to other systems, tests.
export { ERROR_TEXTS } from "../error-texts.js";
export { ChatError, ERRORS, type ErrorCode, type ErrorEntry, isChatError } from "../errors.js";
export * from "./bounds.js";
export { closeCodeOf, comesBack, STAY_AWAY } from "./close-codes.js";
export {
  type Codec,
  type CodecOptions,
  clientCodec,
  type Decoded,
  type Envelope,
  JSON_TEXT,
  MSGPACK,
  SUB_PROTOCOLS,
  type SubProtocol,
  serverCodec,
} from "./codec.js";
export type { Field, FieldDoc, Fields } from "./field.js";
export {
  CLIENT_FRAMES,
  type ClientFrame,
  type ClientFrames,
  type FrameDoc,
  NAME_BYTES,
  PAGE,
  SERVER_FRAMES,
  type ServerFrame,
  type ServerFrames,
  TOKEN_BYTES,
  USER_BYTES,
} from "./frames.js";
