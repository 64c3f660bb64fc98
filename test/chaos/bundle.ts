import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { inlineCql } from "../../adapters/cassandra/inline-cql.js";
import { inlineLua } from "../../adapters/redis/inline-lua.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Bundles a TypeScript entry with the source of the packages it uses, so that a process of it starts in a tenth of a
 * second. The file lies under node_modules, from where the native parts resolve, and goes with this process.
 */
export async function bundle(entry: URL): Promise<string> {
  const directory = join(ROOT, "node_modules/.cache/sentseen");
  mkdirSync(directory, { recursive: true });
  const outfile = join(directory, `${basename(entry.pathname, ".ts")}-${process.pid}.mjs`);
  await build({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["sentseen-source"],
    plugins: [inlineLua, inlineCql],
    external: ["lmdb", "@platformatic/kafka", "msgpackr-extract", "bufferutil", "utf-8-validate"],
    // Packages of the older module kind call require.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    sourcemap: "inline",
    logLevel: "error",
  });
  process.on("exit", () => rmSync(outfile, { force: true }));
  return outfile;
}
