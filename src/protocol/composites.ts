import { Fault, invalid, tooLarge } from "./fault.js";
import type { Field, Fields, Infer, Optional } from "./field.js";
import { oneOf } from "./scalars.js";
import { seekKey } from "./seek-key.js";
import { Shape } from "./shape.js";
import { TextTable } from "./text-table.js";

/** The same field, which may be absent. A nil or null in its place counts as absence. */
export function optional<T>(field: Field<T>): Optional<T> {
  return { ...field, optional: true };
}

/** A list of at most `max` items. */
export function list<T>(about: string, of: Field<T>, max: number): Field<readonly T[]> {
  return {
    doc: { kind: "list", of, max },
    about,
    optional: false,
    read(reader) {
      const count = reader.array() ?? invalid("a list is wanted");
      if (count > max) tooLarge(max, "items");
      const items: T[] = [];
      for (let i = 0; i < count; i++) items.push(of.read(reader));
      return items;
    },
    write(writer, value) {
      writer.arrayHeader(value.length);
      for (const item of value) of.write(writer, item);
    },
  };
}

type Places<F extends readonly Field<unknown>[]> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

export function notOf(length: number): never {
  return invalid(`a list of ${length} is wanted`);
}

/** A list of fixed length with a field for each place. */
export function tuple<const F extends readonly Field<unknown>[]>(about: string, ...of: F): Field<Places<F>> {
  return {
    doc: { kind: "tuple", of },
    about,
    optional: false,
    read(reader) {
      if (reader.array() !== of.length) notOf(of.length);
      return of.map((place) => place.read(reader)) as Places<F>;
    },
    write(writer, value) {
      writer.arrayHeader(of.length);
      for (let i = 0; i < of.length; i++) of[i]?.write(writer, value[i]);
    },
  };
}

export function object<const F extends Fields>(about: string, fields: F): Field<Infer<F>> {
  const shape = new Shape<Infer<F>>(fields);
  return {
    doc: { kind: "object", fields },
    about,
    optional: false,
    read: (reader) => shape.read(reader, reader.map() ?? invalid("an object is wanted")),
    write: (writer, value) => shape.write(writer, value),
  };
}

export function unknownKind(by: string, kinds: readonly string[]): never {
  throw new Fault("invalid", `one of ${kinds.join(", ")} is wanted`).under(by);
}

/** An object whose field `by` says which fields it has. */
export function union<const B extends string, const V extends Readonly<Record<string, Fields>>>(
  about: string,
  by: B,
  variants: V,
): Field<{ [K in keyof V]: { [T in B]: K } & Infer<V[K]> }[keyof V]> {
  type T = { [K in keyof V]: { [T in B]: K } & Infer<V[K]> }[keyof V];
  const of = new Map<unknown, Field<T>>(
    Object.entries(variants).map(([kind, fields]) => [
      kind,
      object(about, { [by]: oneOf("Which of the kinds it is.", [kind]), ...fields }) as unknown as Field<T>,
    ]),
  );
  const table = new TextTable([...of] as [string, Field<T>][]);
  const key = new TextEncoder().encode(by);
  return {
    doc: { kind: "union", by, of: variants },
    about,
    optional: false,
    read(reader) {
      const from = reader.pos;
      const pairs = reader.map() ?? invalid("an object is wanted");
      const field = seekKey(reader, pairs, key) ? reader.takeKnown(table) : undefined;
      reader.pos = from;
      return (field ?? unknownKind(by, Object.keys(variants))).read(reader);
    },
    write: (writer, value) => (of.get(value[by]) as Field<T>).write(writer, value),
  };
}
