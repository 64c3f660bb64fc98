import { MsgpackWalk } from "./msgpack-walk.js";

/** The parts of a server's frame that the generator acts on. Absent numbers are −1. */
export interface SeenFrame {
  type: string;
  ref: number;
  seq: number;
  position: number;
  /** The first four bytes of a message's content: its number. */
  number: number;
  /** Where the conversation's 16 bytes are in `bytes`. */
  conversation: number;
  bytes: Buffer;
}

const walk = new MsgpackWalk();
const seen: SeenFrame = { type: "", ref: -1, seq: -1, position: -1, number: -1, conversation: -1, bytes: walk.bytes };

/** Tells `each` of every frame in one WebSocket message. The object is used again for the next frame. */
export function eachFrame(bytes: Buffer, from: number, to: number, each: (frame: SeenFrame) => void): void {
  walk.bytes = bytes;
  walk.at = from;
  seen.bytes = bytes;
  const items = walk.items();
  for (let left = items < 0 ? 1 : items; left > 0; left--) {
    const after = readFrame();
    each(seen);
    walk.bytes = bytes;
    walk.at = after;
  }
  if (walk.at !== to) throw new Error("A message doesn't end where its last frame ends.");
}

function readFrame(): number {
  seen.type = "";
  seen.ref = seen.seq = seen.position = seen.number = seen.conversation = -1;
  for (let pairs = walk.pairs(); pairs > 0; pairs--) field(walk.text());
  return walk.at;
}

function field(key: string): void {
  switch (key) {
    case "type":
      seen.type = walk.text();
      break;
    case "ref":
      seen.ref = walk.uint();
      break;
    case "seq":
      seen.seq = walk.uint();
      break;
    case "position":
      seen.position = walk.uint();
      break;
    case "conversation":
      seen.conversation = walk.at + 2;
      walk.skip();
      break;
    case "content": {
      const length = walk.length();
      if (length >= 4) seen.number = walk.bytes.readUInt32BE(walk.at);
      walk.at += length;
      break;
    }
    default:
      walk.skip();
  }
}
