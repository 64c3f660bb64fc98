import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** The functions of the schema whose first argument says, for the reference, what a field or frame means. */
const DESCRIBED =
  /\b(text|uuid|uint|bytes|list|tuple|object|oneOf|bool|union|frame|user|users|pairs)\(\s*"(?:[^"\\]|\\.)*"/g;

/**
 * Leaves the texts of the frame table out of what is built: the reference pages are generated from the source, and
 * in a browser's bundle they would be a tenth of the client. A text that this overlooks costs bytes and nothing else.
 */
export const withoutFrameTexts: Plugin = {
  name: "without-frame-texts",
  setup(build) {
    build.onLoad({ filter: /src[\\/]protocol[\\/]frames\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replaceAll(DESCRIBED, '$1(""'),
      loader: "ts",
    }));
  },
};
