import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PIPELINE_STEPS } from "../../src/log/probe.js";
import { bundle } from "./bundle.js";
import { check, report } from "./checker.js";
import { type CrashRun, crashRun } from "./crash-run.js";

let file: string;
const directories: string[] = [];

beforeAll(async () => {
  file = await bundle(new URL("./server.ts", import.meta.url));
});

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

async function crashAt(crashAt: string, stepwise: boolean): Promise<CrashRun> {
  const directory = mkdtempSync(join(tmpdir(), "sentseen-crash-"));
  directories.push(directory);
  return crashRun(file, { directory, flush: 15, crashAt, stepwise });
}

function expectSafe({ history, answers, ids }: CrashRun): void {
  // Every acknowledged message readable once, by everyone, at the place that the ack named.
  expect(check(history.happenings).map(report)).toEqual([]);
  const [before, after, again] = answers;
  for (const [id, answer] of before) expect([id, after.get(id)]).toEqual([id, answer]);
  for (const id of ids) expect([id, again.get(id)]).toEqual([id, after.get(id)]);
}

// A store with transactions lands a flush whole, so what lies between its parts is tried on one that doesn't.
describe("a server killed with SIGKILL keeps what it acknowledged and knows what it has seen", () => {
  for (const step of PIPELINE_STEPS) {
    for (const time of [1, 3]) {
      it(`killed after ${step}, the ${time}. time`, async () => {
        expectSafe(await crashAt(`${step}:${time}`, true));
      });
    }
  }

  it("where the whole flush lands in one transaction", async () => {
    for (const step of ["flush.planned:2", "flush.checkpoint:2", "flush.landed:2"])
      expectSafe(await crashAt(step, false));
  });
});
