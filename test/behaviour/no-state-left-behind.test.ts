import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const CYCLES = 100_000;

it("100,000 connections that come and go leave nothing behind", { timeout: 300_000 }, async () => {
  const child = fork(fileURLToPath(new URL("./support/connect-and-close.ts", import.meta.url)), [`${CYCLES}`], {
    execArgv: ["--expose-gc", "--conditions=sentseen-source", "--import", "tsx"],
  });
  const [{ heap, errors, left }] = await once(child, "message", { signal: AbortSignal.timeout(280_000) });
  expect(errors).toBe(0);
  expect(left).toEqual({ connections: 0, users: 0, mailboxes: 0, pending_entries: 0, pending_bytes: 0 });
  // The first tenth warms up. From there on a single object left by each connection would be megabytes.
  const growth = Math.min(...heap.slice(-3)) - Math.min(...heap.slice(1, 4));
  expect(growth / CYCLES).toBeLessThan(10);
});
