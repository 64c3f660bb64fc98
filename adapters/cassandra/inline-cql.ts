import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";

/** Puts the texts of the .cql files in place of reading them, so that what is built is one file that needs no others. */
export const inlineCql: Plugin = {
  name: "inline-cql",
  setup(build) {
    build.onLoad({ filter: /adapters[\\/]cassandra[\\/]src[\\/]cql-files\.ts$/ }, async ({ path }) => {
      const directory = join(dirname(path), "cql");
      const texts: Record<string, string> = {};
      for (const file of await readdir(directory)) {
        texts[file.replace(/\.cql$/, "")] = await readFile(join(directory, file), "utf8");
      }
      return { contents: `const texts = ${JSON.stringify(texts)};\nexport const readCql = (name) => texts[name];` };
    });
  },
};
