import { type Field, type Fields, type FrameDoc, SERVER_FRAMES } from "../../src/protocol/index.js";
import { table } from "./markdown.js";

/** All frames of one side: a heading, what it is for, and its fields. */
export function frameSections(frames: Readonly<Record<string, FrameDoc>>): string {
  return Object.entries(frames)
    .map(([type, { about, fields }]) => `### \`${type}\`\n\n${about}\n\n${fieldTables(fields)}`)
    .join("\n\n");
}

type Row = readonly [field: string, kind: string, about: string];

function fieldTables(fields: Fields): string {
  const rows = rowsOf(fields, "");
  return rows.length === 0 ? "It has no fields." : table(["field", "kind", "meaning"], rows);
}

function rowsOf(fields: Fields, path: string): Row[] {
  return Object.entries(fields).flatMap(([key, field]) => {
    const name = `${path}${key}`;
    const mark = field.optional ? " *(optional)*" : "";
    return [[`\`${name}\`${mark}`, kindOf(field), field.about] as const, ...inner(field, name)];
  });
}

/** The rows of what stands inside of a field. */
function inner(field: Field<unknown>, name: string): Row[] {
  const { doc } = field;
  if (doc.kind === "object") return rowsOf(doc.fields, `${name}.`);
  if (doc.kind === "list") return inner(doc.of, `${name}[]`);
  if (doc.kind !== "union" || isEntry(doc.of)) return [];
  return Object.entries(doc.of).flatMap(([kind, fields]) =>
    rowsOf(fields, `${name}.`).map(([field, of, about]) => [`${field} of \`${kind}\``, of, about] as const),
  );
}

/** Whether the variants are what is sent as frames of their own, which are described there. */
function isEntry(variants: Readonly<Record<string, Fields>>): boolean {
  return variants.message === SERVER_FRAMES.message.fields;
}

function kindOf({ doc }: Field<unknown>): string {
  switch (doc.kind) {
    case "uint":
      return doc.max === Number.MAX_SAFE_INTEGER ? "number" : `number, at most ${doc.max}`;
    case "text":
      return `text, ${doc.min === 0 ? "at most" : `${doc.min} to`} ${doc.max} bytes`;
    case "uuid":
      return "id";
    case "bytes":
      return `bytes, at most ${doc.max}`;
    case "bool":
      return "flag";
    case "enum":
      return `one of ${doc.values.map((value) => `\`${value}\``).join(", ")}`;
    case "list":
      return `list of ${plural(doc.of)}, at most ${doc.max}`;
    case "tuple":
      return `\`[${doc.of.map(kindOf).join("; ")}]\``;
    case "object":
      return "map";
    case "union":
      return isEntry(doc.of)
        ? "map with the fields of a `message` or a `change`, `type` included"
        : `map; its \`${doc.by}\` is one of ${Object.keys(doc.of)
            .map((kind) => `\`${kind}\``)
            .join(", ")}`;
  }
}

function plural(field: Field<unknown>): string {
  const kind = kindOf(field);
  if (kind === "id" || kind === "map") return `${kind}s`;
  return field.doc.kind === "text" ? `texts (${kind.replace("text, ", "")} each)` : kind;
}
