/**
 * Replays recorded traffic and compares every member's transcript with it.
 *
 *     npm run replay -- PATH [--faults] [--shape NAME] [--seed N]
 *
 * PATH is a JSONL file, or a folder of them. Exits with 1 at the first violation.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { ensureServices } from "../../scripts/services/services.js";
import { bundle } from "../chaos/bundle.js";
import { shapeFrom } from "../chaos/shape.js";
import { replay } from "./conductor.js";
import { parseTraffic } from "./traffic.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    faults: { type: "boolean", default: false },
    shape: { type: "string", default: "lmdb" },
    seed: { type: "string", default: "1" },
  },
});

function filesOf(path: string | undefined): string[] {
  if (path === undefined) throw new Error("which traffic? give a JSONL file, or a folder of them");
  if (!statSync(path).isDirectory()) return [path];
  const files = readdirSync(path).filter((name) => name.endsWith(".jsonl"));
  if (files.length === 0) throw new Error(`there are no .jsonl files in ${path}`);
  return files.sort().map((name) => join(path, name));
}

try {
  const shape = shapeFrom(values.shape);
  await ensureServices(shape.services);
  const files = filesOf(positionals[0]);
  const serverFile = await bundle(new URL("../chaos/server.ts", import.meta.url));
  const clientsFile = await bundle(new URL("./clients.ts", import.meta.url));
  const { faults } = values;
  const total = { said: 0, checked: 0, transcripts: 0, faults: 0 };
  const waiting = [...files];
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const began = performance.now();
      const name = basename(file);
      const lines = parseTraffic(readFileSync(file, "utf8"));
      const options = { serverFile, clientsFile, shape, faults, seed: Number(values.seed) };
      const done = await replay(name, lines, options).catch((error: unknown) => {
        waiting.length = 0;
        throw new Error(`${name}: ${error}`, { cause: error });
      });
      const seconds = ((performance.now() - began) / 1_000).toFixed(1);
      const { users, groups, said, checked } = done;
      const harm = faults ? `, ${done.faults} faults` : "";
      console.log(`${name}: ${users} users, ${groups} groups, ${said} said, ${checked} compared${harm}, ${seconds} s`);
      total.said += said;
      total.checked += checked;
      total.transcripts += users;
      total.faults += done.faults;
    }
  };
  // A replay mostly waits: for answers, and for dead connections to be noticed.
  await Promise.all(Array.from({ length: shape.jobs }, work));
  console.log(
    `${files.length} files on ${shape.name}: ${total.said} lines said, ${total.checked} lines in ${total.transcripts} ` +
      `transcripts checked, each there once and in order; ${total.faults} faults`,
  );
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
