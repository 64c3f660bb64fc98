import { asyncApi } from "./async-api.js";
import { jsonSchema } from "./json-schema.js";
import { page } from "./page.js";
import { errorsPage } from "./tables.js";

/** All generated files: path from the root of the repository, and text. */
export function protocolDocs(): Map<string, string> {
  return new Map([
    ["docs/protocol.md", page()],
    ["docs/reference/errors.md", `${errorsPage()}\n`],
    ["docs/reference/protocol.schema.json", `${JSON.stringify(jsonSchema(), null, 2)}\n`],
    ["docs/reference/asyncapi.json", `${JSON.stringify(asyncApi(), null, 2)}\n`],
  ]);
}
