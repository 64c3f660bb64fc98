import { isUuid } from "../model/ids.js";
import { bytesFromBase64url, bytesToBase64url } from "./base64url.js";
import { notOf, unknownKind } from "./composites.js";
import { Fault, invalid, tooLarge } from "./fault.js";
import type { Field, FieldDoc, Fields } from "./field.js";
import { checkBool, checkText, checkUint, noneOf } from "./scalars.js";

const utf8 = new TextEncoder();

/** The value that a field has in parsed JSON, checked against its bounds. Throws a `Fault`. */
function valueFromJson({ doc }: Field<unknown>, value: unknown): unknown {
  switch (doc.kind) {
    case "uint":
      return checkUint(value, doc.max);
    case "bool":
      return checkBool(value);
    case "text":
      return textFromJson(doc, value);
    case "uuid":
      return typeof value === "string" && isUuid(value) ? value : invalid("a UUID in lower case is wanted");
    case "bytes":
      return bytesFromJson(doc, value);
    case "enum":
      return doc.values.includes(value as string) ? value : noneOf(doc.values);
    case "list":
      if (!Array.isArray(value)) return invalid("a list is wanted");
      return value.length > doc.max ? tooLarge(doc.max, "items") : value.map((item) => valueFromJson(doc.of, item));
    case "tuple":
      if (!Array.isArray(value) || value.length !== doc.of.length) return notOf(doc.of.length);
      return doc.of.map((place, i) => valueFromJson(place, value[i]));
    case "object":
      return isObject(value) ? fieldsFromJson(doc.fields, value) : invalid("an object is wanted");
    case "union":
      return isObject(value) ? variantFromJson(doc, value) : invalid("an object is wanted");
  }
}

function textFromJson({ min, max }: Extract<FieldDoc, { kind: "text" }>, value: unknown): string {
  if (typeof value !== "string") return invalid("text is wanted");
  if (value.length > max || (value.length * 3 > max && utf8.encode(value).length > max)) return tooLarge(max, "bytes");
  return value.isWellFormed() ? checkText(value, min) : invalid("not well-formed Unicode");
}

function bytesFromJson({ max }: Extract<FieldDoc, { kind: "bytes" }>, value: unknown): Uint8Array {
  if (typeof value !== "string") return invalid("bytes as base64url are wanted");
  if (value.length > Math.ceil((max * 4) / 3) + 2) return tooLarge(max, "bytes");
  const decoded = bytesFromBase64url(value) ?? invalid("not base64url");
  return decoded.length <= max ? decoded : tooLarge(max, "bytes");
}

function variantFromJson({ by, of }: Extract<FieldDoc, { kind: "union" }>, value: Record<string, unknown>): unknown {
  const kind = value[by];
  const fields = typeof kind === "string" && Object.hasOwn(of, kind) ? of[kind] : undefined;
  return { [by]: kind, ...fieldsFromJson(fields ?? unknownKind(by, Object.keys(of)), value) };
}

/** The fields that an object has in parsed JSON; what isn't among them is passed over. Throws a `Fault`. */
export function fieldsFromJson(fields: Fields, value: Record<string, unknown>): Record<string, unknown> {
  const into: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const item = Object.hasOwn(value, key) ? value[key] : undefined;
    if (item === undefined || (item === null && field.optional)) continue;
    try {
      into[key] = valueFromJson(field, item);
    } catch (error) {
      throw error instanceof Fault ? error.under(key) : error;
    }
  }
  const missing = Object.keys(fields).find((key) => fields[key]?.optional === false && into[key] === undefined);
  if (missing !== undefined) throw new Fault("invalid", "is missing").under(missing);
  return into;
}

/** What a field's value is in JSON. */
function valueToJson({ doc }: Field<unknown>, value: unknown): unknown {
  switch (doc.kind) {
    case "bytes":
      return bytesToBase64url(value as Uint8Array);
    case "list":
      return (value as unknown[]).map((item) => valueToJson(doc.of, item));
    case "tuple":
      return doc.of.map((place, i) => valueToJson(place, (value as unknown[])[i]));
    case "object":
      return fieldsToJson(doc.fields, value as Record<string, unknown>);
    case "union": {
      const variant = value as Record<string, unknown>;
      const kind = variant[doc.by] as string;
      return { [doc.by]: kind, ...fieldsToJson(doc.of[kind] ?? {}, variant) };
    }
    default:
      return value;
  }
}

/** What an object is in JSON. */
export function fieldsToJson(fields: Fields, value: Record<string, unknown>): Record<string, unknown> {
  const into: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const item = value[key];
    if (item !== undefined) into[key] = valueToJson(field, item);
  }
  return into;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
