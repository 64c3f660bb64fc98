import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { BENCHES, type BenchName, benchOf } from "./benches.js";
import { buildChildren, buildProduct } from "./built.js";
import { pushRows } from "./push.js";
import { jsonLines, shapesTable, table } from "./report.js";
import { rowsOf } from "./rows.js";
import { measureShapes, SHAPE_NAMES } from "./shapes.js";

const USAGE = `npm run bench -- ${BENCHES.join("|")}|shapes|push [--json] [--rounds N] [--seconds N] [--only SUBJECT,…] [--patience SECONDS]`;

function isBench(name: string | undefined): name is BenchName {
  return BENCHES.some((bench) => bench === name);
}

function positive(text: string, what: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${what}: a number above 0 is wanted, not ${text}.`);
  return value;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "3" },
      only: { type: "string" },
      patience: { type: "string", default: "60" },
    },
  });
  const [name] = positionals;
  if (positionals.length !== 1 || (name !== "shapes" && name !== "push" && !isBench(name))) throw new Error(USAGE);
  if (process.platform !== "linux" || availableParallelism() < 2) {
    throw new Error("The bench needs Linux and two cores: one for the server, one for the load.");
  }
  const seconds = positive(values.seconds, "--seconds");
  const rounds = Math.ceil(positive(values.rounds, "--rounds"));
  const patience_ms = positive(values.patience, "--patience") * 1000;
  if (name === "push") {
    buildProduct();
    await buildChildren();
    for (const row of await pushRows(rounds, patience_ms)) console.log(JSON.stringify(row));
    return;
  }
  const only = values.only?.split(",");
  if (name === "shapes") return shapes(only ?? SHAPE_NAMES, Math.max(10, seconds), values.json);
  const all = benchOf(name);
  const bench = { ...all, subjects: all.subjects.filter(({ name }) => only === undefined || only.includes(name)) };
  if (bench.subjects.length === 0)
    throw new Error(`--only: the subjects are ${all.subjects.map(({ name }) => name).join(", ")}.`);

  if (bench.subjects.some(({ name }) => name === "sentseen")) buildProduct();
  await buildChildren();
  const timing = {
    seconds,
    warmup_seconds: Math.min(5, 2 * seconds),
    patience_ms,
    attempts: 5,
  };
  const rows = await rowsOf(bench, rounds, timing, (text) => console.error(text));
  console.log(values.json ? jsonLines(rows) : table(rows));
}

async function shapes(names: readonly string[], seconds: number, json: boolean): Promise<void> {
  const unknown = names.filter((name) => !SHAPE_NAMES.includes(name));
  if (unknown.length > 0) throw new Error(`--only: the shapes are ${SHAPE_NAMES.join(", ")}.`);
  buildProduct();
  await buildChildren();
  const rows = await measureShapes({ shapes: names, seconds, progress: (text) => console.error(text) });
  console.log(json ? jsonLines(rows) : shapesTable(rows));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
