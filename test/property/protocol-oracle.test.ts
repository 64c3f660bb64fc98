import fc from "fast-check";
import { Unpackr } from "msgpackr";
import { expect, test } from "vitest";
import { MSGPACK } from "../../src/protocol/codec.js";
import { MsgpackReader } from "../../src/protocol/msgpack-reader.js";
import { MsgpackWriter } from "../../src/protocol/msgpack-writer.js";
import { RECENT_UUIDS } from "../../src/protocol/recent-uuids.js";
import { PLAIN_UUIDS } from "../../src/protocol/uuid-bytes.js";
import { ends, SIDES } from "./both-codecs.js";
import { anyFrame, anyText, anyUuid } from "./frame-values.js";
import { onTheWire, packr } from "./wire-form.js";

// msgpackr knows nothing of ours: what the two say to each other is MessagePack.

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

test.each(SIDES)("msgpackr reads the frames of a %s", (side) => {
  const { encode } = ends(side, MSGPACK);
  fc.assert(
    fc.property(anyFrame(side), (frame) => {
      expect(unpackr.unpack(Buffer.from(encode(frame) as Uint8Array))).toEqual(onTheWire(frame));
    }),
    { numRuns: 400 },
  );
});

test.each(SIDES)("frames of a %s that msgpackr wrote are read", (side) => {
  const { encode, decode } = ends(side, MSGPACK);
  fc.assert(
    fc.property(anyFrame(side), (frame) => {
      const [decoded] = decode(packr.pack(onTheWire(frame)));
      if (decoded?.error !== undefined) throw decoded.error;
      // Encoding again is how two frames are compared, bytes and all.
      expect(encode(decoded?.frame as typeof frame)).toEqual(encode(frame));
    }),
    { numRuns: 400 },
  );
});

/** The bytes of `value` after a tag, in `size` bytes. */
function tagged(tag: number, size: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(9);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 1);
  return Buffer.concat([Uint8Array.of(tag), bytes.subarray(9 - size)]);
}

test("a whole number is read in each of its forms", () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.nat(2 ** 31 - 1)), (value) => {
      const forms: [bits: number, tag: number][] = [
        [8, 0xcc],
        [16, 0xcd],
        [32, 0xce],
        [64, 0xcf],
        [7, 0xd0],
        [15, 0xd1],
        [31, 0xd2],
        [63, 0xd3],
      ];
      for (const [bits, tag] of forms) {
        if (value >= 2 ** bits) continue;
        const bytes = tagged(tag, (bits + 1) >> 3, BigInt(value));
        expect(unpackr.unpack(bytes)).toBe(value);
        expect(new MsgpackReader(bytes).uint()).toBe(value);
      }
      const double = Buffer.alloc(9, 0xcb);
      double.writeDoubleBE(value, 1);
      expect(new MsgpackReader(double).uint()).toBe(value);
      const single = Buffer.alloc(5, 0xca);
      single.writeFloatBE(value, 1);
      expect(new MsgpackReader(single).uint()).toBe(
        Number.isSafeInteger(Math.fround(value)) ? Math.fround(value) : null,
      );
    }),
    { numRuns: 400 },
  );
});

test("what is no whole number from 0 to 2^53 - 1 is left where it is", () => {
  const others: unknown[] = [
    -1,
    -32,
    -33,
    -200,
    -40_000,
    -(2 ** 40),
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    -0.1,
  ];
  const encoded = [
    ...others.map((value) => packr.pack(value)),
    tagged(0xcf, 8, 2n ** 53n),
    tagged(0xcf, 8, 2n ** 64n - 1n),
    tagged(0xd3, 8, -1n),
    tagged(0xd3, 8, 2n ** 62n),
    packr.pack("1"),
    packr.pack(true),
    packr.pack(null),
    packr.pack([1]),
    packr.pack({ a: 1 }),
    packr.pack(Buffer.of(1)),
  ];
  for (const bytes of encoded) {
    const reader = new MsgpackReader(bytes);
    expect(reader.uint(), bytes.toString("hex")).toBeNull();
    expect(reader.pos).toBe(0);
    reader.skip();
    expect(reader.atEnd).toBe(true);
  }
});

test("text and bytes are read with each of their headers", () => {
  fc.assert(
    fc.property(anyText(0, 200), fc.uint8Array({ maxLength: 200 }), (text, bytes) => {
      const utf8 = Buffer.from(text);
      const forms: [tag: number, size: number][] = [
        [0xd9, 1],
        [0xda, 2],
        [0xdb, 4],
      ];
      for (const [tag, size] of forms) {
        const asText = new MsgpackReader(Buffer.concat([tagged(tag, size, BigInt(utf8.length)), utf8]));
        expect(asText.takeText(asText.textLength() ?? -1)).toBe(text);
        expect(asText.atEnd).toBe(true);
        const binTag = tag - 0xd9 + 0xc4;
        const asBytes = new MsgpackReader(Buffer.concat([tagged(binTag, size, BigInt(bytes.length)), bytes]));
        expect(asBytes.takeBytes(asBytes.bytesLength() ?? -1)).toEqual(Buffer.from(bytes));
        expect(asBytes.atEnd).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test("any value that msgpackr can write is passed over to its last byte", () => {
  const dates = fc.date({ noInvalidDate: true });
  const values = fc.anything({
    withBigInt: false,
    withDate: false,
    withMap: false,
    withSet: false,
    withTypedArray: false,
    maxDepth: 5,
    values: [
      fc.string({ maxLength: 300 }),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
      dates,
    ],
  });
  fc.assert(
    fc.property(values, (value) => {
      const reader = new MsgpackReader(packr.pack(value));
      reader.skip();
      expect(reader.atEnd).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("maps and arrays are read with each of their headers", () => {
  for (const count of [0, 1, 15, 16, 300, 65_535, 65_536, 70_000]) {
    const items = Buffer.alloc(count * 2, 0);
    const headers = [
      { at: 0x80, tag16: 0xde, read: (reader: MsgpackReader) => reader.map() },
      { at: 0x90, tag16: 0xdc, read: (reader: MsgpackReader) => reader.array() },
    ];
    for (const { at, tag16, read } of headers) {
      if (count < 16) expect(read(new MsgpackReader(Buffer.concat([Uint8Array.of(at | count), items])))).toBe(count);
      if (count < 65_536)
        expect(read(new MsgpackReader(Buffer.concat([tagged(tag16, 2, BigInt(count)), items])))).toBe(count);
      expect(read(new MsgpackReader(Buffer.concat([tagged(tag16 + 1, 4, BigInt(count)), items])))).toBe(count);
    }
  }
});

const UUIDS = [
  { way: "in little code", uuids: PLAIN_UUIDS },
  { way: "remembering", uuids: RECENT_UUIDS },
];

test.each(UUIDS)("a writer's own values are what msgpackr reads, with UUIDs $way", ({ uuids: way }) => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.maxSafeNat(), anyText(0, 300), fc.uint8Array({ maxLength: 70 }), fc.boolean(), fc.constant(null)),
      ),
      fc.array(anyUuid, { maxLength: 20 }),
      (values, uuids) => {
        const writer = new MsgpackWriter(64, undefined, way);
        writer.arrayHeader(values.length + uuids.length);
        for (const value of values) {
          if (typeof value === "number") writer.uint(value);
          else if (typeof value === "string") writer.text(value);
          else if (typeof value === "boolean") writer.bool(value);
          else if (value === null) writer.nil();
          else writer.bin(value);
        }
        for (const uuid of uuids) writer.uuid(uuid);
        expect(unpackr.unpack(Buffer.from(writer.take()))).toEqual(onTheWire([...values, ...uuids]));
      },
    ),
    { numRuns: 300 },
  );
});

test.each(UUIDS)("UUIDs are read again as they were written, with UUIDs $way", ({ uuids }) => {
  fc.assert(
    fc.property(fc.array(anyUuid, { minLength: 1, maxLength: 20 }), fc.nat(), (ids, repeated) => {
      const again = [...ids, ids[repeated % ids.length] as string];
      const writer = new MsgpackWriter(64, undefined, uuids);
      for (const id of again) writer.uuid(id);
      const reader = new MsgpackReader(writer.take(), uuids);
      expect(again.map(() => (reader.bytesLength() === 16 ? reader.takeUuid() : null))).toEqual(again);
    }),
  );
});

test.each(UUIDS)("a writer refuses what it can't write, with UUIDs $way", ({ uuids }) => {
  const writer = new MsgpackWriter(64, undefined, uuids);
  for (const value of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
    expect(() => writer.uint(value)).toThrow(expect.objectContaining({ code: "invalid" }));
  }
  const id = "0190a0b0-1234-7abc-8def-0123456789ab";
  for (const value of [
    "",
    "abc",
    id.toUpperCase(),
    `${id}0`,
    id.slice(1),
    id.replace("a", "g"),
    id.replaceAll("-", "0"),
    id.replace("0", "İ"),
  ]) {
    expect(() => writer.uuid(value), value).toThrow(expect.objectContaining({ code: "invalid" }));
  }
});
