/**
 * Plays seeded scenarios against a server process and checks what its clients saw.
 *
 *     npm run chaos -- --seed N --repeat N [--shape NAME] [--jobs N] [--planted BUG] [--history FILE] [--dump FILE]
 *
 * Plays `repeat` seeds from `seed` on. Exits with 1 at the first violation, naming it and its seed.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensureServices } from "../../scripts/services/services.js";
import { bundle } from "./bundle.js";
import { type Checked, check, count, report } from "./checker.js";
import { VIOLATION_NAMES } from "./checks/violation.js";
import { describe } from "./history.js";
import { PLANTED_BUGS } from "./planted.js";
import { play } from "./runner.js";
import { makeScenario } from "./scenario.js";
import { type Shape, shapeFrom } from "./shape.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    repeat: { type: "string", default: "1" },
    shape: { type: "string", default: "lmdb" },
    /** How many seeds are played at a time. */
    jobs: { type: "string" },
    /** Plants a bug, to see that it is found. */
    planted: { type: "string" },
    /** Where the history of the last seed goes, a line for each happening. */
    history: { type: "string" },
    /** Where the history of a seed with a violation goes, with what devices and servers say of themselves in the end. */
    dump: { type: "string" },
  },
});

function whole(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} is a whole number, not ${text}`);
  return number;
}

function say(checked: Checked): string {
  return Object.entries(checked)
    .map(([what, number]) => `${number} ${what}`)
    .join(", ");
}

/** Plays one seed; answers what was checked, or null where something was found. */
async function playSeed(seed: number, shape: Shape, file: string): Promise<Checked | null> {
  const began = performance.now();
  const planted = PLANTED_BUGS.find((bug) => bug === values.planted);
  const state: string[] = [];
  const inTheEnd = (lines: readonly string[]): void => void state.push(...lines);
  const options = { file, shape, inTheEnd, ...(planted && { planted }) };
  const happenings = await play(makeScenario(seed, shape.mix), options);
  if (values.history !== undefined) writeFileSync(values.history, happenings.map(describe).join("\n"));
  const [violation] = check(happenings);
  const checked = count(happenings);
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  if (violation === undefined) {
    console.log(`seed ${seed}: ${say(checked)}, ${seconds} s`);
    return checked;
  }
  console.error(`seed ${seed} after ${seconds} s: ${report(violation)}`);
  if (values.dump !== undefined) {
    const seen = happenings.map((happening, at) => `${at}: ${describe(happening)}`);
    writeFileSync(values.dump, [`seed ${seed}: ${report(violation)}`, "", ...seen, "", ...state, ""].join("\n"));
  }
  console.error(`again: npm run chaos -- --seed ${seed} --shape ${values.shape}`);
  return null;
}

async function main(): Promise<boolean> {
  const shape = shapeFrom(values.shape);
  const first = whole("seed", values.seed);
  const repeat = whole("repeat", values.repeat);
  await ensureServices(shape.services);
  const file = await bundle(new URL("./server.ts", import.meta.url));
  const total: Record<keyof Checked, number> = { messages: 0, acks: 0, deliveries: 0, receipts: 0, faults: 0 };
  let next = first;
  let clean = true;
  const work = async (): Promise<void> => {
    while (clean && next < first + repeat) {
      const checked = await playSeed(next++, shape, file);
      if (checked === null) clean = false;
      else for (const what of Object.keys(total) as (keyof Checked)[]) total[what] += checked[what];
    }
  };
  // A run mostly waits: for processes to start, for dead connections to be noticed.
  await Promise.all(Array.from({ length: values.jobs === undefined ? shape.jobs : whole("jobs", values.jobs) }, work));
  if (!clean) return false;
  console.log(`${repeat} seeds on ${shape.name}: ${say(total)}; checked and not found: ${VIOLATION_NAMES.join(", ")}`);
  return true;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
