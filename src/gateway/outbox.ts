import type { Duplex } from "node:stream";

/** Bytes to a socket that aren't sent yet: above `high` the connection is fed from storage instead. [R6] */
export const HIGH_WATER = 256 * 1024;

/** Frames up to this size are copied together, so that one write carries them. */
const JOINED = 16 * 1024;

/**
 * What one turn of the loop produced for one socket, written at once: a write costs more than a frame does. Frames
 * are whole WebSocket frames; they go straight to the socket that the upgrade handed over, past ws, which only reads
 * from it and sends its own control frames whole.
 */
export class Outbox {
  /** The turn's first frame, most often the only one, and those behind it. */
  private first: Uint8Array | null = null;
  private rest: Uint8Array[] | null = null;
  private bytes = 0;
  /** The socket has said that it holds more than it likes to. */
  private full = false;

  constructor(private readonly socket: Duplex) {}

  get empty(): boolean {
    return this.first === null;
  }

  /** Bytes that the kernel hasn't taken yet, as far as they matter: less than the socket's own mark counts as none. */
  get waiting(): number {
    return this.full ? this.bytes + this.unsent() : this.bytes;
  }

  private unsent(): number {
    const { writableLength } = this.socket;
    this.full = writableLength > 0;
    return writableLength;
  }

  /** Answers whether this turn alone has produced more than there should ever be. */
  push(frame: Uint8Array): boolean {
    if (this.first === null) this.first = frame;
    else if (this.rest === null) this.rest = [frame];
    else this.rest.push(frame);
    this.bytes += frame.length;
    return this.bytes >= HIGH_WATER;
  }

  flush(): void {
    const { first, rest, bytes, socket } = this;
    if (first === null) return;
    this.first = this.rest = null;
    this.bytes = 0;
    if (socket.destroyed || !socket.writable) return;
    let takesMore: boolean;
    if (socket.writableLength > 0) takesMore = socket.write(ownCopy(first, rest, bytes));
    else if (rest === null) takesMore = socket.write(first);
    else if (bytes <= JOINED) takesMore = socket.write(Buffer.concat([first, ...rest], bytes));
    else {
      socket.cork();
      takesMore = socket.write(first);
      for (const frame of rest) takesMore = socket.write(frame);
      socket.uncork();
    }
    if (!takesMore) this.full = true;
  }
}

/**
 * Frames are cut from slabs that many sockets share. What has to wait gets memory of its own, or a few slow sockets
 * would hold on to slabs a hundred times as large as what waits for them. [R6]
 */
function ownCopy(first: Uint8Array, rest: readonly Uint8Array[] | null, bytes: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes);
  copy.set(first);
  let at = first.length;
  for (const frame of rest ?? []) {
    copy.set(frame, at);
    at += frame.length;
  }
  return copy;
}
