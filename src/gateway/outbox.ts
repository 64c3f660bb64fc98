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
  private frames: Uint8Array[] = [];
  private bytes = 0;

  constructor(private readonly socket: Duplex) {}

  get empty(): boolean {
    return this.frames.length === 0;
  }

  /** Bytes that the kernel hasn't taken yet. */
  get waiting(): number {
    return this.bytes + this.socket.writableLength;
  }

  /** Answers whether this turn alone has produced more than there should ever be. */
  push(frame: Uint8Array): boolean {
    this.frames.push(frame);
    this.bytes += frame.length;
    return this.bytes >= HIGH_WATER;
  }

  flush(): void {
    const { frames, bytes, socket } = this;
    if (frames.length === 0) return;
    this.frames = [];
    this.bytes = 0;
    if (socket.destroyed || !socket.writable) return;
    if (frames.length === 1) socket.write(frames[0]);
    else if (bytes <= JOINED) socket.write(Buffer.concat(frames, bytes));
    else {
      socket.cork();
      for (const frame of frames) socket.write(frame);
      socket.uncork();
    }
  }
}
