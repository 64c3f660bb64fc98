import { isUuid, type Uuid } from "../model/ids.js";
import { bytesFromBase64url, bytesToBase64url } from "./base64url.js";
import { invalid, tooLarge } from "./fault.js";
import type { Field } from "./field.js";
import { RecentTexts } from "./recent-texts.js";
import { TextTable } from "./text-table.js";

export function uint(about: string, max: number = Number.MAX_SAFE_INTEGER): Field<number> {
  const check = (value: unknown): number => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      return invalid("a whole number from 0 is wanted");
    }
    return value <= max ? value : invalid(`at most ${max}`, max);
  };
  return {
    doc: { kind: "uint", max },
    about,
    optional: false,
    read: (reader) => check(reader.uint()),
    write: (writer, value) => writer.uint(value),
    fromJson: check,
    toJson: (value) => value,
  };
}

export function bool(about: string): Field<boolean> {
  const check = (value: unknown): boolean => (typeof value === "boolean" ? value : invalid("true or false is wanted"));
  return {
    doc: { kind: "bool" },
    about,
    optional: false,
    read: (reader) => check(reader.bool()),
    write: (writer, value) => writer.bool(value),
    fromJson: check,
    toJson: (value) => value,
  };
}

const utf8 = new TextEncoder();
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
const recentTexts = new RecentTexts();

/**
 * Text of `min` (1) to `max` bytes of UTF-8 without control characters. `recurs` says that the same few come again
 * and again, as users do.
 */
export function text(about: string, max: number, { min = 1, recurs = false } = {}): Field<string> {
  const check = (value: string): string => {
    if (value.length < min) invalid("too short", min);
    if (CONTROL.test(value)) invalid("no control characters");
    return value;
  };
  return {
    doc: { kind: "text", min, max },
    about,
    optional: false,
    read(reader) {
      const length = reader.textLength() ?? invalid("text is wanted");
      if (length > max) tooLarge(max, "bytes");
      if (!recurs || length === 0) return check(reader.takeText(length));
      const { bytes, pos } = reader;
      const known = recentTexts.find(bytes, pos, length);
      if (known !== undefined) {
        reader.pos += length;
        return known;
      }
      const value = check(reader.takeText(length));
      recentTexts.put(bytes, pos, length, value);
      return value;
    },
    write: (writer, value) => writer.text(value),
    fromJson(value) {
      if (typeof value !== "string") return invalid("text is wanted");
      if (value.length > max || (value.length * 3 > max && utf8.encode(value).length > max)) {
        return tooLarge(max, "bytes");
      }
      if (!value.isWellFormed()) return invalid("not well-formed Unicode");
      return check(value);
    },
    toJson: (value) => value,
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
    fromJson: (value) =>
      typeof value === "string" && isUuid(value) ? value : invalid("a UUID in lower case is wanted"),
    toJson: (value) => value,
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
    fromJson(value) {
      if (typeof value !== "string") return invalid("bytes as base64url are wanted");
      if (value.length > Math.ceil((max * 4) / 3) + 2) return tooLarge(max, "bytes");
      const decoded = bytesFromBase64url(value) ?? invalid("not base64url");
      return decoded.length <= max ? decoded : tooLarge(max, "bytes");
    },
    toJson: bytesToBase64url,
  };
}

/** One of a few texts. What is read is the very string of `values`. */
export function oneOf<const V extends readonly string[]>(about: string, values: V): Field<V[number]> {
  const known = new Set<unknown>(values);
  const table = new TextTable<V[number]>(values.map((value) => [value, value]));
  const wanted = `one of ${values.join(", ")} is wanted`;
  return {
    doc: { kind: "enum", values },
    about,
    optional: false,
    read: (reader) => reader.takeKnown(table) ?? invalid(wanted),
    write: (writer, value) => writer.text(value),
    fromJson: (value) => (known.has(value) ? (value as V[number]) : invalid(wanted)),
    toJson: (value) => value,
  };
}
