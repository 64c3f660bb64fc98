import { checkAnswers, checkContents, checkStatuses, unanswered } from "./checks/answers.js";
import { checkLost, checkOnceInOrder, checkStrangers, missing } from "./checks/delivery.js";
import { buildLog, type Log } from "./checks/log.js";
import { checkPlaces, checkSenders } from "./checks/order.js";
import { checkReceipts } from "./checks/receipts.js";
import { checkTicks, untold } from "./checks/ticks.js";
import { type Violation, violation } from "./checks/violation.js";
import { describe, type Happening } from "./history.js";

export type { Violation, ViolationName } from "./checks/violation.js";

/**
 * Judges the history of a run that has come to rest: every fault healed, every client online and in sync. Pure: the
 * same history gets the same judgement. Answers the violations, the most telling first; none for a clean run.
 */
export function check(happenings: readonly Happening[]): Violation[] {
  const { log, violations } = buildLog(happenings);
  const checks: readonly ((log: Log) => Violation[])[] = [
    checkFailures,
    () => violations,
    checkPlaces,
    checkOnceInOrder,
    checkStrangers,
    checkContents,
    checkSenders,
    checkAnswers,
    checkLost,
    checkReceipts,
    checkStatuses,
    checkTicks,
  ];
  return checks.flatMap((one) => one(log));
}

/** Whether everything that was asked for has been answered and has arrived everywhere. */
export function atRest(happenings: readonly Happening[]): boolean {
  const { log } = buildLog(happenings);
  return unanswered(log).length === 0 && missing(log).length === 0;
}

/** Whether every sender has been told what has been read. `happenings` ends with what the devices' stores hold. */
export function allTold(happenings: readonly Happening[]): boolean {
  return untold(buildLog(happenings).log).length === 0;
}

/** How much a history holds, for the line that ends a run. */
export interface Checked {
  readonly messages: number;
  readonly acks: number;
  readonly deliveries: number;
  readonly receipts: number;
  readonly faults: number;
}

export function count(happenings: readonly Happening[]): Checked {
  const of = (...types: Happening["type"][]): number => happenings.filter(({ type }) => types.includes(type)).length;
  return {
    messages: of("submitted"),
    acks: of("acked"),
    deliveries: of("delivered"),
    receipts: of("watermark"),
    faults: of("fault", "wiped"),
  };
}

/** A violation as it is printed: its name, what it says, and the happenings behind it. */
export function report({ name, text, excerpt }: Violation): string {
  return [`${name}: ${text}`, ...excerpt.map(({ at, happening }) => `  ${at}: ${describe(happening)}`)].join("\n");
}

function checkFailures({ happenings }: Log): Violation[] {
  let wiped = false;
  return happenings.flatMap((happening) => {
    if (happening.type === "wiped") wiped = true;
    if (happening.type === "gap") {
      if (wiped) return [];
      const text = `${happening.device} of ${happening.user} was told that entries are gone`;
      return [violation("false-gap", text, happenings, (other) => other === happening)];
    }
    if (happening.type !== "failure") return [];
    const about = (other: Happening): boolean => other === happening || other.type === "fault";
    return [violation("failed", happening.text, happenings, about)];
  });
}
