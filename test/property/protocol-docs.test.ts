import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { protocolDocs } from "../../scripts/protocol-docs/files.js";
import { jsonSchema } from "../../scripts/protocol-docs/json-schema.js";
import { JSON_TEXT } from "../../src/protocol/codec.js";
import { ends } from "./both-codecs.js";
import { EVERY_FRAME, frameOf } from "./frame-values.js";

const ROOT = new URL("../../", import.meta.url);

test.each([...protocolDocs()])("%s is what the protocol's source says", (path, text) => {
  expect(readFileSync(new URL(path, ROOT), "utf8"), 'run "npm run docs"').toBe(text);
});

test.each(EVERY_FRAME)("the JSON Schema has what a $type of the $side looks like", ({ side, type, doc }) => {
  const { $defs } = jsonSchema() as { $defs: Record<string, Schema> };
  const schema = $defs[`${side}.${type}`] as Schema;
  const { encode } = ends(side, JSON_TEXT);
  fc.assert(
    fc.property(frameOf(type, doc), (frame) => {
      expect(faults(schema, JSON.parse(encode(frame) as string), type)).toEqual([]);
    }),
    { numRuns: 40 },
  );
  expect(faults(schema, {}, type)).toContain(`${type}: type is missing`);
});

interface Schema {
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly Schema[];
  readonly type?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** What is wrong with a value, by the part of JSON Schema that is used here. A field without a schema is wrong too. */
function faults(schema: Schema, value: unknown, at: string): string[] {
  if (schema.oneOf !== undefined) {
    const fitting = schema.oneOf.filter((one) => faults(one, value, at).length === 0);
    return fitting.length === 1 ? [] : [`${at}: fits ${fitting.length} of oneOf`];
  }
  if (schema.const !== undefined) return value === schema.const ? [] : [`${at}: isn't ${schema.const}`];
  if (schema.enum !== undefined) return schema.enum.includes(value) ? [] : [`${at}: isn't in enum`];
  switch (schema.type) {
    case "integer": {
      const { minimum = 0, maximum = 0 } = schema;
      return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
        ? []
        : [`${at}: number`];
    }
    case "boolean":
      return typeof value === "boolean" ? [] : [`${at}: boolean`];
    case "string": {
      const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern = "" } = schema;
      if (typeof value !== "string" || !new RegExp(pattern, "u").test(value)) return [`${at}: string`];
      return [...value].length >= minLength && [...value].length <= maxLength ? [] : [`${at}: length`];
    }
    case "array": {
      const { prefixItems = [], items, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
      if (!Array.isArray(value) || value.length < minItems || value.length > maxItems) return [`${at}: array`];
      return value.flatMap((item, i) => faults(prefixItems[i] ?? items ?? {}, item, `${at}[${i}]`));
    }
    case "object": {
      if (typeof value !== "object" || value === null) return [`${at}: object`];
      const { properties = {}, required = [] } = schema;
      const missing = required.filter((key) => !Object.hasOwn(value, key)).map((key) => `${at}: ${key} is missing`);
      const inner = Object.entries(value).flatMap(([key, item]) => faults(properties[key] ?? {}, item, `${at}.${key}`));
      return [...missing, ...inner];
    }
    default:
      return [`${at}: no schema`];
  }
}
