/**
 * Writes docs/protocol.md and what is generated beside it from src/protocol.
 *
 *     npm run docs               writes the files
 *     npm run docs -- --check    fails where a file isn't what would be written
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { protocolDocs } from "./protocol-docs/files.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const check = process.argv.includes("--check");

for (const [path, text] of protocolDocs()) {
  const target = join(ROOT, path);
  if (check) {
    if (read(target) === text) continue;
    console.error(`${path} isn't what src/protocol says: run "npm run docs"`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    console.log(path);
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
