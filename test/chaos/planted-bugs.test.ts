import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bundle } from "./bundle.js";
import { check, type ViolationName } from "./checker.js";
import { crashRun } from "./crash-run.js";
import type { Happening } from "./history.js";
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
  return { seed: 1, users, devices: users, groups: [], steps, flush, lastKill: false, skewed: false, split: false };
}

interface Case {
  /** Brings the bug out, if it is there; answers what was seen. */
  readonly run: (planted?: PlantedBug) => Promise<readonly Happening[]>;
  /** What the checker says: one of these at least. */
  readonly found: readonly ViolationName[];
}

let file: string;

beforeAll(async () => {
  file = await bundle(new URL("./server.ts", import.meta.url));
});

/** Where something is missing for ever, waiting for it longer brings nothing. */
const PATIENCE = 3_000;

function playing(scenario: Scenario): Case["run"] {
  return (planted) => play(scenario, planted === undefined ? { file } : { file, planted, patience: PATIENCE });
}

const CASES: Record<PlantedBug, Case> = {
  // Acknowledged, not yet written, killed; what comes then gets the same places.
  "ack-before-durable": {
    run: playing(
      schedule(1_000, [
        send(ALICE, "bob", 5),
        { do: "wait", milliseconds: 80 },
        { do: "kill", node: 0, away: 0 },
        { do: "wait", milliseconds: 800 },
        send(ALICE, "bob", 5),
        send(BOB, "alice", 5),
      ]),
    ),
    found: ["two-orders", "acked-but-lost", "false-gap"],
  },
  // Flushed, killed; then a client that keeps nothing repeats everything.
  "dedupe-off": {
    run: async (planted) => {
      const directory = mkdtempSync(join(tmpdir(), "sentseen-planted-"));
      try {
        const setup = { directory, flush: FLUSH, crashAt: "flush.landed:3", ...(planted && { planted }) };
        return (await crashRun(file, setup)).history.happenings;
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
    found: ["stored-twice"],
  },
  // Flushed with the rows but not the state, killed; the next message is placed by the old state.
  "seq-rolled-back": {
    run: playing(
      schedule(FLUSH, [
        send(ALICE, "bob", 2),
        FLUSHED,
        send(ALICE, "bob", 2),
        FLUSHED,
        { do: "kill", node: 0, away: 0 },
        { do: "wait", milliseconds: 600 },
        send(BOB, "alice", 2),
      ]),
    ),
    found: ["two-orders"],
  },
  // Flushed while the receiver is away; it comes back and reads what was written.
  "mailbox-skipped": {
    run: playing(
      schedule(FLUSH, [{ do: "restart", device: BOB, crash: false, away: 800 }, FLUSHED, send(ALICE, "bob", 3)]),
    ),
    found: ["acked-but-lost"],
  },
};

describe("the checker finds a planted bug", () => {
  for (const [bug, { run, found }] of Object.entries(CASES) as [PlantedBug, Case][]) {
    it(`${bug}, and without it finds nothing`, async () => {
      const names = check(await run(bug)).map(({ name }) => name);
      expect(
        found.some((name) => names.includes(name)),
        `found only: ${[...new Set(names)].join(", ")}`,
      ).toBe(true);
      expect(check(await run())).toEqual([]);
    });
  }
});
