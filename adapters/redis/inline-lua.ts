import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";

/** Where a script's text is read from its file when the adapter runs from source. */
const READ = /readLua\("([a-z-]+)"\)/g;

/** Puts the texts of the Lua files in place of reading them, so that what is built is one file that needs no others. */
export const inlineLua: Plugin = {
  name: "inline-lua",
  setup(build) {
    build.onLoad({ filter: /adapters[\\/]redis[\\/]src[\\/]link[\\/]lua-files\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const texts = new Map<string, string>();
      for (const [, name = ""] of source.matchAll(READ)) {
        texts.set(name, await readFile(join(dirname(path), "../lua", `${name}.lua`), "utf8"));
      }
      const contents = source.replaceAll(READ, (_, name: string) => JSON.stringify(texts.get(name)));
      return { contents, loader: "ts" };
    });
  },
};
