import fc from "fast-check";
import type { Field, Fields } from "../../src/protocol/field.js";
import { CLIENT_FRAMES, type FrameDoc, SERVER_FRAMES } from "../../src/protocol/frames.js";

// Values of frames, drawn from the schema itself: a frame that is added is tested without a word here.

/** The tables of both directions, by the side that sends. */
export const FRAMES = { client: CLIENT_FRAMES, server: SERVER_FRAMES } as const;

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
export const anyUuid = fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map((parts) => parts.join("-"));

const character = fc.oneof(
  fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)),
  fc.constantFrom("\u0080", "é", "\u07ff", "\u0800", "漢", "\ufeff", "\ufffd", "\uffff", "😀", "\u{10ffff}", '"', "\\"),
);

/** Text of `min` to `max` bytes of UTF-8: ASCII mostly, and characters of every length and at every border. */
export function anyText(min: number, max: number): fc.Arbitrary<string> {
  const most = Math.min(60, Math.floor(max / 4));
  return fc.string({ minLength: min, maxLength: most, unit: character });
}

const EDGES = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

function anyUint(max: number): fc.Arbitrary<number> {
  const edges = fc.constantFrom(...EDGES.filter((n) => n < max), max);
  return fc.oneof(edges, max > 2 ** 32 ? fc.maxSafeNat() : fc.nat(Math.min(max, 2 ** 31 - 1)));
}

/** Any value that the field takes. Lists stay short: their bounds have tests of their own. */
export function anyValue({ doc }: Field<unknown>): fc.Arbitrary<unknown> {
  switch (doc.kind) {
    case "uint":
      return anyUint(doc.max);
    case "text":
      return anyText(doc.min, doc.max);
    case "uuid":
      return anyUuid;
    case "bytes":
      return fc.uint8Array({ maxLength: Math.min(doc.max, 300) });
    case "bool":
      return fc.boolean();
    case "enum":
      return fc.constantFrom(...doc.values);
    case "list":
      return fc.array(anyValue(doc.of), { maxLength: Math.min(doc.max, 5) });
    case "tuple":
      return fc.tuple(...doc.of.map(anyValue));
    case "object":
      return objectOf(doc.fields);
    case "union":
      return fc.oneof(
        ...Object.entries(doc.of).map(([kind, fields]) =>
          objectOf(fields).map((value) => ({ [doc.by]: kind, ...value })),
        ),
      );
  }
}

function objectOf(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  const optional = Object.keys(fields).filter((key) => fields[key]?.optional);
  const required = Object.keys(fields).filter((key) => !optional.includes(key));
  const values = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, anyValue(field)]));
  return fc.record(values, { requiredKeys: required, noNullPrototype: true }) as fc.Arbitrary<Record<string, unknown>>;
}

/** Any frame of one type. */
export function frameOf(type: string, { fields }: FrameDoc): fc.Arbitrary<Record<string, unknown> & { type: string }> {
  return objectOf(fields).map((value) => ({ type, ...value }));
}

/** Every type of frame with its table's side. */
export const EVERY_FRAME = Object.entries(FRAMES).flatMap(([side, table]) =>
  Object.entries(table).map(([type, doc]) => ({ side: side as keyof typeof FRAMES, type, doc: doc as FrameDoc })),
);

/** Any frame that the side sends. */
export function anyFrame(side: keyof typeof FRAMES): fc.Arbitrary<Record<string, unknown> & { type: string }> {
  return fc.oneof(...Object.entries(FRAMES[side]).map(([type, doc]) => frameOf(type, doc)));
}
