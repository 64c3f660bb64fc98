import { readFileSync } from "node:fs";

/** The text of an operation, where the adapter runs from its source; what is built has the texts in it. */
export function readCql(name: string): string {
  return readFileSync(new URL(`./cql/${name}.cql`, import.meta.url), "utf8");
}
