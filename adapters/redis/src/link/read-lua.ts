import { readFileSync } from "node:fs";

/** The text of a script, where the adapter runs from its source; what is built has the texts in it. */
export function readLua(name: string): string {
  return readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), "utf8");
}
