import type { MsgpackReader } from "./msgpack-reader.js";
import type { MsgpackWriter } from "./msgpack-writer.js";

/** What a field is: for JSON, and for the reference that is generated from the schema. */
export type FieldDoc =
  | { readonly kind: "uint"; readonly max: number }
  | { readonly kind: "text"; readonly min: number; readonly max: number }
  | { readonly kind: "uuid" }
  | { readonly kind: "bytes"; readonly max: number }
  | { readonly kind: "bool" }
  | { readonly kind: "enum"; readonly values: readonly string[] }
  | { readonly kind: "list"; readonly of: Field<unknown>; readonly max: number }
  | { readonly kind: "tuple"; readonly of: readonly Field<unknown>[] }
  | { readonly kind: "object"; readonly fields: Fields }
  | { readonly kind: "union"; readonly by: string; readonly of: Readonly<Record<string, Fields>> };

/**
 * One field of a frame: its bounds, and how it is read and written as MessagePack. `read` throws a `Fault` for a value
 * that doesn't fit. JSON is read and written as `doc` says.
 */
export interface Field<T> {
  readonly doc: FieldDoc;
  readonly about: string;
  readonly optional: boolean;
  read(reader: MsgpackReader): T;
  write(writer: MsgpackWriter, value: T): void;
}

export interface Optional<T> extends Field<T> {
  readonly optional: true;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type OptionalKeys<F> = { [K in keyof F]: F[K] extends Optional<unknown> ? K : never }[keyof F];

/** The value that an object of these fields has. */
export type Infer<F> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: F[K] extends Field<infer T> ? T : never;
} & {
  readonly [K in OptionalKeys<F>]?: F[K] extends Field<infer T> ? T : never;
};
