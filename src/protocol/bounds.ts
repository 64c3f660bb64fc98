// What a server lets through before, and beside, the bounds of the single fields.

/** Bytes of one WebSocket message above which it isn't read to its end: the connection closes with 1009. */
export const MESSAGE_BYTES = 1_048_576;
/** Fragments of one WebSocket message above which the connection closes with 1008. */
export const MESSAGE_FRAGMENTS = 256;
/** Frames in one WebSocket message. */
export const FRAMES_PER_MESSAGE = 128;

/** Bytes, WebSocket framing included, that a connection may send before it is let in. */
export const GREETING_BYTES = 32_768;
/** Frames behind the hello that may wait until it is answered. */
export const GREETING_FRAMES = 64;
/** Seconds from the upgrade until the connection has to be let in. */
export const GREETING_SECONDS = 10;

/** Requests for stored things that one connection may have waiting for their answer. */
export const REQUESTS = 16;
