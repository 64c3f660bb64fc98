import {
  CLIENT_FRAMES,
  type Field,
  type Fields,
  type FrameDoc,
  JSON_TEXT,
  SERVER_FRAMES,
} from "../../src/protocol/index.js";

export type Schema = { readonly [key: string]: unknown };

/** The two sides, as their frames are named in the generated documents. */
export const SIDES: Readonly<Record<"client" | "server", Readonly<Record<string, FrameDoc>>>> = {
  client: CLIENT_FRAMES,
  server: SERVER_FRAMES,
};

/** What every frame of the JSON sub-protocol looks like, as JSON Schema (2020-12). */
export function jsonSchema(): Schema {
  const frames = Object.entries(SIDES).flatMap(([side, table]) =>
    Object.entries(table).map(([type, frame]) => [`${side}.${type}`, frameSchema(type, frame)] as const),
  );
  const anyOf = (side: string) => ({
    description: `Any frame that a ${side} sends.`,
    oneOf: frames.filter(([name]) => name.startsWith(`${side}.`)).map(([name]) => ({ $ref: `#/$defs/${name}` })),
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: JSON_TEXT,
    description:
      "One frame in JSON, in either direction. A WebSocket message is one of them or an array of them. " +
      "Lengths of text are bounded in bytes of UTF-8, which x-max-bytes tells; maxLength is what follows for characters.",
    anyOf: [{ $ref: "#/$defs/client" }, { $ref: "#/$defs/server" }],
    $defs: { client: anyOf("client"), server: anyOf("server"), ...Object.fromEntries(frames) },
  };
}

function frameSchema(type: string, { about, fields }: FrameDoc): Schema {
  const { properties, required } = objectSchema(fields);
  return {
    description: about,
    type: "object",
    properties: { type: { const: type }, ...properties },
    required: ["type", ...required],
  };
}

function objectSchema(fields: Fields) {
  return {
    properties: Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, fieldSchema(field)])),
    required: Object.keys(fields).filter((key) => fields[key]?.optional === false),
  };
}

const UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";

function fieldSchema(field: Field<unknown>): Schema {
  const { doc, about: description } = field;
  switch (doc.kind) {
    case "uint":
      return { description, type: "integer", minimum: 0, maximum: doc.max };
    case "text":
      return {
        description,
        type: "string",
        minLength: doc.min,
        maxLength: doc.max,
        "x-max-bytes": doc.max,
        pattern: "^[^\\u0000-\\u001f\\u007f]*$",
      };
    case "uuid":
      return { description, type: "string", pattern: UUID };
    case "bytes":
      return {
        description: `${description} At most ${doc.max} bytes, as base64url.`,
        type: "string",
        contentEncoding: "base64url",
        maxLength: Math.ceil((doc.max * 4) / 3) + 2,
        pattern: "^[A-Za-z0-9_-]*={0,2}$",
      };
    case "bool":
      return { description, type: "boolean" };
    case "enum":
      return { description, enum: doc.values };
    case "list":
      return { description, type: "array", maxItems: doc.max, items: fieldSchema(doc.of) };
    case "tuple":
      return {
        description,
        type: "array",
        prefixItems: doc.of.map(fieldSchema),
        minItems: doc.of.length,
        maxItems: doc.of.length,
      };
    case "object":
      return { description, type: "object", ...objectSchema(doc.fields) };
    case "union":
      return {
        description,
        oneOf: Object.entries(doc.of).map(([kind, fields]) => {
          const { properties, required } = objectSchema(fields);
          return {
            type: "object",
            properties: { [doc.by]: { const: kind }, ...properties },
            required: [doc.by, ...required],
          };
        }),
      };
  }
}
