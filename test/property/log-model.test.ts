import fc from "fast-check";
import { describe, test } from "vitest";
import { timersOnDemand } from "./log-clock.js";
import { run, schedules } from "./log-schedule.js";

// The server's own owner of the log, with the state machine, the flush planner, mailboxes and history under it, over a
// model of devices, log and storage in which whatever may happen does. For a longer run:
// SENTSEEN_MODEL_RUNS=100000 SENTSEEN_MODEL_SEED=7 npx vitest run test/property/log-model.test.ts

timersOnDemand();

const RUNS = Number(process.env.SENTSEEN_MODEL_RUNS ?? 1_500);
const SEED = Number(process.env.SENTSEEN_MODEL_SEED ?? 1);
const DEADLINE_MS = 60_000 + RUNS * 20;

describe.each([
  ["lands a flush in parts, in any order", false],
  ["lands a flush whole", true],
])("over a storage that %s", (_text, atomic) => {
  test(
    "the same log leaves the same rows and gives the same answers, whatever crashes, lands late or overlaps",
    () =>
      fc.assert(
        fc.asyncProperty(schedules(atomic), (schedule) => run(schedule, null)),
        { numRuns: RUNS, seed: SEED, interruptAfterTimeLimit: DEADLINE_MS, markInterruptAsFailure: true },
      ),
    DEADLINE_MS * 1.5,
  );
});
