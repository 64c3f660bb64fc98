import { beforeAll, expect, it } from "vitest";
import { bundle } from "./bundle.js";
import { check, count, report } from "./checker.js";
import { play } from "./runner.js";
import { makeScenario } from "./scenario.js";

let file: string;

beforeAll(async () => {
  file = await bundle(new URL("./server.ts", import.meta.url));
});

// A few of the seeds that `npm run chaos` plays by the hundred.
it.each([1, 2, 3, 4])("a server under every fault there is breaks none of its promises, seed %i", async (seed) => {
  const happenings = await play(makeScenario(seed), { file });
  expect(check(happenings).map(report)).toEqual([]);
  expect(count(happenings).deliveries).toBeGreaterThan(50);
});
