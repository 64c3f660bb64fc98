import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { Outbox } from "../../src/gateway/outbox.js";

/** A socket that takes nothing. What it was given waits in `given`. */
class StuckSocket extends Duplex {
  readonly given: Buffer[] = [];

  override write(chunk: Buffer): boolean {
    this.given.push(chunk);
    return super.write(chunk);
  }

  override _write(): void {}
}

describe("a socket that takes nothing", () => {
  it("holds on to no memory beyond the frames that wait for it", () => {
    const socket = new StuckSocket();
    const outbox = new Outbox(socket);
    const frames = Array.from({ length: 100 }, (_, i) => {
      // Cut from a slab that the frames of others fill, as the codec does.
      const slab = Buffer.alloc(64 * 1024, i);
      return slab.subarray(1_000, 1_300);
    });
    for (const [i, frame] of frames.entries()) {
      outbox.push(frame);
      if (i % 3 === 0) outbox.flush();
    }
    outbox.flush();
    expect(Buffer.concat(socket.given)).toEqual(Buffer.concat(frames));
    const [, ...waiting] = socket.given;
    const held = new Set(waiting.map(({ buffer }) => buffer));
    const bytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(bytes).toBe(99 * 300);
  });
});
