import type { Uuid } from "../model/ids.js";
import { invalid, tooLarge } from "./fault.js";
import type { Field } from "./field.js";
import { RecentTexts } from "./recent-texts.js";
import { TextTable } from "./text-table.js";

/** A whole number from 0 to `max`. */
export function checkUint(value: unknown, max: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    return invalid("a whole number from 0 is wanted");
  }
  return value <= max ? value : invalid(`at most ${max}`, max);
}

export function checkBool(value: unknown): boolean {
  return typeof value === "boolean" ? value : invalid("true or false is wanted");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Text that isn't too short and has no control characters. */
export function checkText(value: string, min: number): string {
  if (value.length < min) invalid("too short", min);
  if (CONTROL.test(value)) invalid("no control characters");
  return value;
}

export function noneOf(values: readonly string[]): never {
  return invalid(`one of ${values.join(", ")} is wanted`);
}

export function uint(about: string, max: number = Number.MAX_SAFE_INTEGER): Field<number> {
  return {
    doc: { kind: "uint", max },
    about,
    optional: false,
    read: (reader) => checkUint(reader.uint(), max),
    write: (writer, value) => writer.uint(value),
  };
}

export function bool(about: string): Field<boolean> {
  return {
    doc: { kind: "bool" },
    about,
    optional: false,
    read: (reader) => checkBool(reader.bool()),
    write: (writer, value) => writer.bool(value),
  };
}

const recentTexts = new RecentTexts();

/**
 * Text of `min` (1) to `max` bytes of UTF-8 without control characters. `recurs` says that the same few come again
 * and again, as users do.
 */
export function text(about: string, max: number, { min = 1, recurs = false } = {}): Field<string> {
  return {
    doc: { kind: "text", min, max },
    about,
    optional: false,
    read(reader) {
      const length = reader.textLength() ?? invalid("text is wanted");
      if (length > max) tooLarge(max, "bytes");
      if (!recurs || length === 0) return checkText(reader.takeText(length), min);
      const { bytes, pos } = reader;
      const known = recentTexts.find(bytes, pos, length);
      if (known !== undefined) {
        reader.pos += length;
        return known;
      }
      const value = checkText(reader.takeText(length), min);
      recentTexts.put(bytes, pos, length, value);
      return value;
    },
    write: (writer, value) => writer.text(value),
  };
}

/** A UUID: 16 bytes in MessagePack, its canonical text in JSON. */
export function uuid(about: string): Field<Uuid> {
  return {
    doc: { kind: "uuid" },
    about,
    optional: false,
    read: (reader) => (reader.bytesLength() === 16 ? reader.takeUuid() : invalid("a UUID of 16 bytes is wanted")),
    write: (writer, value) => writer.uuid(value),
  };
}

/** At most `max` bytes: base64url without padding in JSON. What is read shares memory with the message. */
export function bytes(about: string, max: number): Field<Uint8Array> {
  return {
    doc: { kind: "bytes", max },
    about,
    optional: false,
    read(reader) {
      const length = reader.bytesLength() ?? invalid("bytes are wanted");
      if (length > max) tooLarge(max, "bytes");
      return reader.takeBytes(length);
    },
    write: (writer, value) => writer.bin(value),
  };
}

/** One of a few texts. What is read is the very string of `values`. */
export function oneOf<const V extends readonly string[]>(about: string, values: V): Field<V[number]> {
  const table = new TextTable<V[number]>(values.map((value) => [value, value]));
  return {
    doc: { kind: "enum", values },
    about,
    optional: false,
    read: (reader) => reader.takeKnown(table) ?? noneOf(values),
    write: (writer, value) => writer.text(value),
  };
}
