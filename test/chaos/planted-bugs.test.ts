import { beforeAll, describe, expect, it } from "vitest";
import { bundle } from "./bundle.js";
import { check, type ViolationName } from "./checker.js";
import type { PlantedBug } from "./planted.js";
import { play } from "./runner.js";
import type { Scenario, Step } from "./scenario.js";

// Each bug with a schedule that brings it out, and what the checker then says. The same schedule without the bug is
// clean, so it is the bug that is found and nothing else.

const ALICE = 0;
const BOB = 1;

/** Milliseconds between two flushes, and enough for one to have landed. */
const FLUSH = 10;
const FLUSHED: Step = { do: "wait", milliseconds: 150 };

function send(device: number, to: string, count: number): Step {
  return { do: "send", device, to: { user: to }, sizes: Array.from({ length: count }, () => 20) };
}

function schedule(flush: number, steps: readonly Step[]): Scenario {
  const users = ["alice", "bob", "carol"];
  return { seed: 1, users, devices: users, groups: [], steps, flush, lastKill: false };
}

const SCHEDULES: Record<PlantedBug, { readonly scenario: Scenario; readonly found: readonly ViolationName[] }> = {
  // Acknowledged, not yet written, killed; what comes then gets the same places.
  "ack-before-durable": {
    scenario: schedule(1_000, [
      send(ALICE, "bob", 5),
      { do: "wait", milliseconds: 60 },
      { do: "kill", away: 0 },
      { do: "wait", milliseconds: 600 },
      send(ALICE, "bob", 5),
      send(BOB, "alice", 5),
    ]),
    found: ["two-orders", "acked-but-lost"],
  },
  // Applied and flushed while the sender hears nothing, killed; the sender repeats what it has no answer to.
  "dedupe-off": {
    scenario: schedule(FLUSH, [
      { do: "deafen", device: ALICE },
      send(ALICE, "bob", 5),
      FLUSHED,
      { do: "kill", away: 0 },
    ]),
    found: ["stored-twice"],
  },
  // Flushed with the rows but not the state, killed; the next message is placed by the old state.
  "seq-rolled-back": {
    scenario: schedule(FLUSH, [
      send(ALICE, "bob", 2),
      FLUSHED,
      send(ALICE, "bob", 2),
      FLUSHED,
      { do: "kill", away: 0 },
      { do: "wait", milliseconds: 600 },
      send(BOB, "alice", 2),
    ]),
    found: ["two-orders"],
  },
  // Flushed while the receiver is away; it comes back and reads what was written.
  "mailbox-skipped": {
    scenario: schedule(FLUSH, [
      { do: "restart", device: BOB, crash: false, away: 500 },
      FLUSHED,
      ...Array.from({ length: 3 }, () => [send(ALICE, "bob", 2), { do: "wait", milliseconds: 60 } as const]).flat(),
    ]),
    found: ["acked-but-lost"],
  },
};

let file: string;

beforeAll(async () => {
  file = await bundle(new URL("./server.ts", import.meta.url));
});

describe("the checker finds a planted bug", () => {
  for (const [bug, { scenario, found }] of Object.entries(SCHEDULES) as [
    PlantedBug,
    (typeof SCHEDULES)[PlantedBug],
  ][]) {
    it(`${bug}, and without it finds nothing`, async () => {
      const names = check(await play(scenario, { file, planted: bug, patience: 2_000 })).map(({ name }) => name);
      expect(
        found.some((name) => names.includes(name)),
        `found only: ${[...new Set(names)].join(", ")}`,
      ).toBe(true);
      expect(check(await play(scenario, { file }))).toEqual([]);
    });
  }
});
