import type { Envelope } from "../protocol/codec.js";

const TEXT = 0x81;
const BINARY = 0x82;
const PONG = 0x8a;

/**
 * A whole, final, unmasked WebSocket frame around a payload (RFC 6455, section 5.2). A server's frames carry no mask,
 * so the same bytes serve every socket that gets the same message.
 */
export function websocketFrame(payload: Uint8Array | string): Buffer {
  const text = typeof payload === "string";
  const length = text ? Buffer.byteLength(payload) : payload.length;
  const header = length < 126 ? 2 : length < 0x1_0000 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = text ? TEXT : BINARY;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  if (text) frame.write(payload, header);
  else frame.set(payload, header);
  return frame;
}

/** The answer to a ping, whose payload it repeats: at most 125 bytes. */
export function pongFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(2 + payload.length);
  frame[0] = PONG;
  frame[1] = payload.length;
  frame.set(payload, 2);
  return frame;
}

/** A WebSocket frame around a MessagePack frame, made in the memory that the frame was written to. */
export const WEBSOCKET: Envelope = {
  headroom: 4,
  seal(writer) {
    const length = writer.length - 4;
    if (length < 126) {
      writer.patch(2, BINARY);
      writer.patch(3, length);
      return writer.take(2);
    }
    if (length >= 0x1_0000) return websocketFrame(writer.take(4));
    writer.patch(0, BINARY);
    writer.patch(1, 126);
    writer.patch(2, length >> 8);
    writer.patch(3, length & 0xff);
    return writer.take();
  },
};
