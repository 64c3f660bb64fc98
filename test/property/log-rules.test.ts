import fc from "fast-check";
import { expect, test } from "vitest";
import { timersOnDemand } from "./log-clock.js";
import { RULES, type Rule } from "./log-rules.js";
import { run, schedules } from "./log-schedule.js";
import { Violation } from "./log-violation.js";

timersOnDemand();

/** Those that schedules by chance find within a hundred or so; the others have directed ones. */
const FOUND_BY_CHANCE: Rule[] = [
  "a.rows",
  "a.devices",
  "a.conversations",
  "a.members",
  "b.earlier",
  "b.refusals",
  "b.window",
  "c.landed",
  "e.states",
  "e.checkpoint",
];

test.each(FOUND_BY_CHANCE.map((rule) => [RULES[rule].text, rule] as const))(
  "it goes wrong without: %s",
  async (_text, rule) => {
    const property = fc.asyncProperty(schedules(RULES[rule].atomic), (schedule) => run(schedule, rule));
    const { errorInstance } = await fc.check(property, { numRuns: 1_500, seed: 1, endOnFailure: true });
    expect(errorInstance).toBeInstanceOf(Violation);
  },
  60_000,
);
