import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { BUILT } from "./child.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Sources of the product, and what is built from each. */
const PARTS = [
  { sources: ["src", "adapters/memory/src"], built: "dist/index.js" },
  ...["lmdb", "redis", "cassandra", "kafka", "push"].map((adapter) => ({
    sources: [`adapters/${adapter}/src`],
    built: `adapters/${adapter}/dist/index.js`,
  })),
];

function newest(directory: string): number {
  return Math.max(
    ...readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

/** Whether something in src is younger than what was built from it. */
function stale(): boolean {
  return PARTS.some(({ sources, built }) => {
    const file = join(ROOT, built);
    return !existsSync(file) || sources.some((source) => newest(join(ROOT, source)) > statSync(file).mtimeMs);
  });
}

/** Builds the product where its sources are younger: what is measured is what would be published. */
export function buildProduct(): void {
  if (stale()) execFileSync("npm", ["run", "build"], { cwd: ROOT, stdio: ["ignore", 2, 2] });
}

/** Bundles servers and generator as plain JavaScript, so that no loader runs in a process that is measured. */
export async function buildChildren(): Promise<void> {
  rmSync(BUILT, { recursive: true, force: true });
  await build({
    entryPoints: {
      load: join(ROOT, "bench/load/main.ts"),
      ...Object.fromEntries(
        ["raw-ws", "socket-io", "sentseen", "fan-out", "idle-ws", "node", "apple", "push-sender"].map((peer) => [
          peer,
          join(ROOT, `bench/peers/${peer}.ts`),
        ]),
      ),
    },
    outdir: BUILT,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
  });
}
