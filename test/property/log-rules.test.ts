import fc from "fast-check";
import { expect, test } from "vitest";
import { timersOnDemand } from "./log-clock.js";
import { RULES, rules } from "./log-rules.js";
import { run, schedules } from "./log-schedule.js";
import { Violation } from "./log-violation.js";

timersOnDemand();

// Those that schedules by chance find within a few hundred.
test.each(rules(false).map((rule) => [RULES[rule].text, rule] as const))(
  "it goes wrong without: %s",
  async (_text, rule) => {
    const property = fc.asyncProperty(schedules(RULES[rule].atomic), (schedule) => run(schedule, rule));
    const { errorInstance } = await fc.check(property, { numRuns: 1_500, seed: 1, endOnFailure: true });
    expect(errorInstance).toBeInstanceOf(Violation);
  },
  60_000,
);
