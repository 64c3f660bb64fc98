import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JSON_TEXT, SUB_PROTOCOLS, type SubProtocol } from "../../src/protocol/codec.js";
import { ends, SIDES } from "./both-codecs.js";
import { anyFrame, EVERY_FRAME, frameOf } from "./frame-values.js";

describe.each(SUB_PROTOCOLS)("%s", (name) => {
  test.each(EVERY_FRAME)("a $type frame of the $side arrives as it was sent", ({ side, type, doc }) => {
    const { encode, decode } = ends(side, name);
    fc.assert(
      fc.property(frameOf(type, doc), (frame) => {
        expect(decode(encode(frame))).toStrictEqual([{ frame: plain(frame) }]);
      }),
      { numRuns: 60 },
    );
  });

  test.each(SIDES)("many frames of the %s in one message arrive in order", (side) => {
    const { encode, decode } = ends(side, name);
    fc.assert(
      fc.property(fc.array(anyFrame(side), { maxLength: 6 }), (frames) => {
        const message = together(name, frames.map(encode));
        expect(decode(message)).toStrictEqual(frames.map((frame) => ({ frame: plain(frame) })));
      }),
      { numRuns: 100 },
    );
  });

  test.each(SIDES)("what a %s encodes stays as it is when more is encoded", (side) => {
    const { encode } = ends(side, name);
    fc.assert(
      fc.property(fc.array(anyFrame(side), { minLength: 2, maxLength: 8 }), (frames) => {
        const encoded = frames.map(encode);
        const copies = encoded.map((message) => Buffer.from(message as string));
        for (const frame of frames) encode(frame);
        expect(encoded.map((message) => Buffer.from(message as string))).toEqual(copies);
      }),
      { numRuns: 50 },
    );
  });
});

test("the server's frames are Buffers where it is given Buffers to write into", () => {
  const { encode } = ends("server", "sentseen.v1.msgpack");
  expect(Buffer.isBuffer(encode({ type: "synced", position: 1 } as { type: string }))).toBe(true);
});

test("a frame of many slabs is whole", () => {
  const { encode, decode } = ends("client", "sentseen.v1.msgpack");
  const content = new Uint8Array(65_536).map((_, i) => i * 7);
  const id = "0190a0b0-1234-7abc-8def-0123456789ab";
  const envelopes = Array.from({ length: 256 }, (_, i) => [id, new Uint8Array(1_000).fill(i)]);
  const frame = { type: "send", ref: 1, id, user: "bob", content_type: "text", content, envelopes };
  expect(decode(encode(frame))).toEqual([{ frame: plain(frame) }]);
});

/** The same with bytes as plain arrays of bytes, and nothing that only looks equal. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return expect.toSatisfy((other: Uint8Array) => Buffer.compare(value, other) === 0);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** One message of several. */
function together(name: SubProtocol, messages: readonly (Uint8Array | string)[]): Uint8Array | string {
  if (name === JSON_TEXT) return `[${messages.join(",")}]`;
  return Buffer.concat([Uint8Array.of(0x90 | messages.length), ...(messages as Uint8Array[])]);
}
