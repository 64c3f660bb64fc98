import { ChatError } from "../errors.js";
import { isUuid } from "../model/ids.js";
import { bytesFromBase64url, bytesToBase64url } from "./base64url.js";
import type { MsgpackReader, MsgpackWriter } from "./msgpack.js";

/** What a field is, for the reference that is generated from the schema. */
export type FieldDoc =
  | { readonly kind: "uint"; readonly max: number }
  | { readonly kind: "text"; readonly min: number; readonly max: number }
  | { readonly kind: "uuid" }
  | { readonly kind: "bytes"; readonly max: number }
  | { readonly kind: "bool" }
  | { readonly kind: "enum"; readonly values: readonly string[] }
  | { readonly kind: "list"; readonly of: FieldDoc; readonly max: number }
  | { readonly kind: "tuple"; readonly of: readonly FieldDoc[] }
  | { readonly kind: "object"; readonly fields: Readonly<Record<string, Field<unknown>>> }
  | { readonly kind: "union"; readonly by: string; readonly of: Readonly<Record<string, FieldDoc>> };

/**
 * One field of a frame: its bounds, and how it is read and written in both codecs. `name` is the path that an error
 * gives to the sender.
 */
export interface Field<T> {
  readonly doc: FieldDoc;
  readonly about: string;
  readonly optional: boolean;
  read(reader: MsgpackReader, name: string): T;
  write(writer: MsgpackWriter, value: T): void;
  fromJson(value: unknown, name: string): T;
  toJson(value: T): unknown;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type OptionalKeys<F> = { [K in keyof F]: F[K] extends Optional<unknown> ? K : never }[keyof F];

/** The value that an object of these fields has. */
export type Infer<F> = { -readonly [K in Exclude<keyof F, OptionalKeys<F>>]: F[K] extends Field<infer T> ? T : never } & {
  -readonly [K in OptionalKeys<F>]?: F[K] extends Field<infer T> ? T : never;
};

export interface Optional<T> extends Field<T> {
  readonly optional: true;
}

function invalid(name: string, what: string, limit?: number): never {
  throw new ChatError("invalid", `${name}: ${what}`, { field: name, limit });
}

function tooLarge(name: string, limit: number, unit: string): never {
  throw new ChatError("too_large", `${name}: at most ${limit} ${unit}`, { field: name, limit });
}

export function optional<T>(field: Field<T>): Optional<T> {
  return { ...field, optional: true };
}

export function uint(about: string, max: number = Number.MAX_SAFE_INTEGER): Field<number> {
  const check = (value: unknown, name: string): number => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      return invalid(name, "a whole number from 0 is wanted");
    }
    return value <= max ? value : invalid(name, `at most ${max}`, max);
  };
  return {
    doc: { kind: "uint", max },
    about,
    optional: false,
    read: (reader, name) => check(reader.uint(), name),
    write: (writer, value) => writer.uint(value),
    fromJson: check,
    toJson: (value) => value,
  };
}

export function bool(about: string): Field<boolean> {
  const check = (value: unknown, name: string): boolean =>
    typeof value === "boolean" ? value : invalid(name, "true or false is wanted");
  return {
    doc: { kind: "bool" },
    about,
    optional: false,
    read: (reader, name) => check(reader.bool(), name),
    write: (writer, value) => writer.bool(value),
    fromJson: check,
    toJson: (value) => value,
  };
}

const utf8 = new TextEncoder();
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Text of `min` to `max` bytes of UTF-8 without control characters. */
export function text(about: string, max: number, min = 1): Field<string> {
  const check = (value: string, name: string): string => {
    if (value.length < min) invalid(name, `at least ${min} bytes`, min);
    if (CONTROL.test(value)) invalid(name, "no control characters");
    return value;
  };
  return {
    doc: { kind: "text", min, max },
    about,
    optional: false,
    read(reader, name) {
      const length = reader.textLength() ?? invalid(name, "text is wanted");
      if (length > max) tooLarge(name, max, "bytes");
      return check(reader.takeText(length), name);
    },
    write: (writer, value) => writer.text(value),
    fromJson(value, name) {
      if (typeof value !== "string") return invalid(name, "text is wanted");
      if (value.length > max || (value.length * 3 > max && utf8.encode(value).length > max)) {
        return tooLarge(name, max, "bytes");
      }
      if (!value.isWellFormed()) return invalid(name, "not well-formed Unicode");
      return check(value, name);
    },
    toJson: (value) => value,
  };
}

export function uuid(about: string): Field<string> {
  return {
    doc: { kind: "uuid" },
    about,
    optional: false,
    read(reader, name) {
      if (reader.bytesLength() !== 16) invalid(name, "a UUID of 16 bytes is wanted");
      return reader.takeUuid();
    },
    write: (writer, value) => writer.uuid(value),
    fromJson: (value, name) =>
      typeof value === "string" && isUuid(value) ? value : invalid(name, "a UUID in lower case is wanted"),
    toJson: (value) => value,
  };
}

export function bytes(about: string, max: number): Field<Uint8Array> {
  return {
    doc: { kind: "bytes", max },
    about,
    optional: false,
    read(reader, name) {
      const length = reader.bytesLength() ?? invalid(name, "bytes are wanted");
      if (length > max) tooLarge(name, max, "bytes");
      return reader.takeBytes(length);
    },
    write: (writer, value) => writer.bin(value),
    fromJson(value, name) {
      if (typeof value !== "string") return invalid(name, "bytes as base64url are wanted");
      if (value.length > Math.ceil((max * 4) / 3) + 2) return tooLarge(name, max, "bytes");
      const decoded = bytesFromBase64url(value) ?? invalid(name, "not base64url");
      return decoded.length <= max ? decoded : tooLarge(name, max, "bytes");
    },
    toJson: bytesToBase64url,
  };
}

export function oneOf<const V extends readonly string[]>(about: string, values: V): Field<V[number]> {
  const longest = Math.max(...values.map((value) => value.length));
  const known = new Set<string>(values);
  const check = (value: unknown, name: string): V[number] =>
    typeof value === "string" && known.has(value) ? value : invalid(name, `one of ${values.join(", ")} is wanted`);
  return {
    doc: { kind: "enum", values },
    about,
    optional: false,
    read(reader, name) {
      const length = reader.textLength();
      return check(length === null || length > longest ? null : reader.takeText(length), name);
    },
    write: (writer, value) => writer.text(value),
    fromJson: check,
    toJson: (value) => value,
  };
}

export function list<T>(about: string, of: Field<T>, max: number): Field<T[]> {
  return {
    doc: { kind: "list", of: of.doc, max },
    about,
    optional: false,
    read(reader, name) {
      const count = reader.array() ?? invalid(name, "a list is wanted");
      if (count > max) tooLarge(name, max, "items");
      const items: T[] = [];
      for (let i = 0; i < count; i++) items.push(of.read(reader, name));
      return items;
    },
    write(writer, value) {
      writer.arrayHeader(value.length);
      for (const item of value) of.write(writer, item);
    },
    fromJson(value, name) {
      if (!Array.isArray(value)) return invalid(name, "a list is wanted");
      if (value.length > max) return tooLarge(name, max, "items");
      return value.map((item) => of.fromJson(item, name));
    },
    toJson: (value) => value.map((item) => of.toJson(item)),
  };
}

/** A list of fixed length with a field for each place. */
export function tuple<const F extends readonly Field<unknown>[]>(
  about: string,
  ...of: F
): Field<{ -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }> {
  type T = { -readonly [K in keyof F]: F[K] extends Field<infer I> ? I : never };
  const places: readonly Field<unknown>[] = of;
  const wanted = `a list of ${places.length} is wanted`;
  return {
    doc: { kind: "tuple", of: places.map((place) => place.doc) },
    about,
    optional: false,
    read(reader, name) {
      if (reader.array() !== places.length) invalid(name, wanted);
      return places.map((place) => place.read(reader, name)) as T;
    },
    write(writer, value) {
      writer.arrayHeader(places.length);
      places.forEach((place, i) => {
        place.write(writer, (value as unknown[])[i]);
      });
    },
    fromJson(value, name) {
      if (!Array.isArray(value) || value.length !== places.length) return invalid(name, wanted);
      return places.map((place, i) => place.fromJson(value[i], name)) as T;
    },
    toJson: (value) => places.map((place, i) => place.toJson((value as unknown[])[i])),
  };
}

interface Compiled {
  readonly key: string;
  readonly field: Field<unknown>;
  /** The key as MessagePack. */
  readonly encoded: Uint8Array;
}

/** The fields of one object or frame, ready to be read and written. */
export class Shape<T> {
  private readonly compiled: readonly Compiled[];
  private readonly byLength: readonly (readonly Compiled[])[];

  constructor(readonly fields: Fields) {
    this.compiled = Object.entries(fields).map(([key, field]) => {
      const name = utf8.encode(key);
      return { key, field, encoded: Uint8Array.of(0xa0 | name.length, ...name) };
    });
    const byLength: Compiled[][] = Array.from({ length: 33 }, () => []);
    for (const entry of this.compiled) byLength[entry.encoded.length - 1]?.push(entry);
    this.byLength = byLength;
  }

  /** Reads `pairs` pairs into `into`; fields that the shape doesn't know are passed over. */
  read(reader: MsgpackReader, pairs: number, into: Record<string, unknown>, path: string): T {
    for (let i = 0; i < pairs; i++) {
      const found = this.key(reader);
      if (found === null || (found.field.optional && reader.nil())) {
        if (found === null) reader.skip();
        continue;
      }
      into[found.key] = found.field.read(reader, path === "" ? found.key : `${path}.${found.key}`);
    }
    return this.complete(into, path);
  }

  private key(reader: MsgpackReader): Compiled | null {
    const length = reader.textLength();
    if (length === null) throw new ChatError("malformed", "A map's keys must be text.");
    const from = reader.pos;
    reader.pos += length;
    const candidates = this.byLength[length];
    if (candidates === undefined) return null;
    for (const candidate of candidates) {
      let i = 0;
      while (i < length && reader.bytes[from + i] === candidate.encoded[i + 1]) i++;
      if (i === length) return candidate;
    }
    return null;
  }

  private complete(value: Record<string, unknown>, path: string): T {
    for (const { key, field } of this.compiled) {
      if (!field.optional && value[key] === undefined) invalid(path === "" ? key : `${path}.${key}`, "is missing");
    }
    return value as T;
  }

  /** Writes the pairs of `value`, preceded by the map's header, which counts `extra` pairs more. */
  writeHeader(writer: MsgpackWriter, value: T, extra: number): void {
    let count = extra;
    for (const { key } of this.compiled) if ((value as Record<string, unknown>)[key] !== undefined) count++;
    writer.mapHeader(count);
  }

  write(writer: MsgpackWriter, value: T): void {
    for (const { key, field, encoded } of this.compiled) {
      const item = (value as Record<string, unknown>)[key];
      if (item === undefined) continue;
      writer.raw(encoded);
      field.write(writer, item);
    }
  }

  fromJson(value: Record<string, unknown>, into: Record<string, unknown>, path: string): T {
    for (const { key, field } of this.compiled) {
      const item = Object.hasOwn(value, key) ? value[key] : undefined;
      if (item === undefined || (item === null && field.optional)) continue;
      into[key] = field.fromJson(item, path === "" ? key : `${path}.${key}`);
    }
    return this.complete(into, path);
  }

  toJson(value: T, into: Record<string, unknown>): Record<string, unknown> {
    for (const { key, field } of this.compiled) {
      const item = (value as Record<string, unknown>)[key];
      if (item !== undefined) into[key] = field.toJson(item);
    }
    return into;
  }
}

export function object<const F extends Fields>(about: string, fields: F): Field<Infer<F>> {
  const shape = new Shape<Infer<F>>(fields);
  return {
    doc: { kind: "object", fields },
    about,
    optional: false,
    read(reader, name) {
      const pairs = reader.map() ?? invalid(name, "an object is wanted");
      return shape.read(reader, pairs, {}, name);
    },
    write(writer, value) {
      shape.writeHeader(writer, value, 0);
      shape.write(writer, value);
    },
    fromJson(value, name) {
      if (!isObject(value)) return invalid(name, "an object is wanted");
      return shape.fromJson(value, {}, name);
    },
    toJson: (value) => shape.toJson(value, {}),
  };
}

/** An object whose field `by` says which fields it has. */
export function union<const B extends string, const V extends Readonly<Record<string, Fields>>>(
  about: string,
  by: B,
  variants: V,
): Field<{ [K in keyof V]: { [T in B]: K } & Infer<V[K]> }[keyof V]> {
  type T = { [K in keyof V]: { [T in B]: K } & Infer<V[K]> }[keyof V];
  const of: Record<string, Field<unknown>> = {};
  for (const [kind, fields] of Object.entries(variants)) {
    of[kind] = object(about, { [by]: oneOf("Which of the kinds it is.", [kind]), ...fields });
  }
  const pick = (kind: unknown, name: string): Field<unknown> =>
    (typeof kind === "string" && Object.hasOwn(of, kind) ? of[kind] : undefined) ??
    invalid(`${name}.${by}`, `one of ${Object.keys(of).join(", ")} is wanted`);
  return {
    doc: { kind: "union", by, of: Object.fromEntries(Object.entries(of).map(([kind, field]) => [kind, field.doc])) },
    about,
    optional: false,
    read(reader, name) {
      const from = reader.pos;
      const kind = findText(reader, by);
      reader.pos = from;
      return pick(kind, name).read(reader, name) as T;
    },
    write: (writer, value) => pick((value as Record<string, unknown>)[by], by).write(writer, value),
    fromJson: (value, name) =>
      isObject(value) ? (pick(value[by], name).fromJson(value, name) as T) : invalid(name, "an object is wanted"),
    toJson: (value) => pick((value as Record<string, unknown>)[by], by).toJson(value),
  };
}

/** The text under `wanted` in the map that begins here, of at most 64 bytes; null where there is none. Moves `pos`. */
export function findText(reader: MsgpackReader, wanted: string): string | null {
  const pairs = reader.map();
  if (pairs === null) return null;
  for (let i = 0; i < pairs; i++) {
    const length = reader.textLength();
    if (length === null) throw new ChatError("malformed", "A map's keys must be text.");
    if (length === wanted.length && reader.takeText(length) === wanted) {
      const size = reader.textLength();
      return size === null || size > 64 ? null : reader.takeText(size);
    }
    if (length !== wanted.length) reader.pos += length;
    reader.skip();
  }
  return null;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
