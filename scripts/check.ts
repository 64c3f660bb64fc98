/**
 * Everything that has to hold before a change lands, in the order in which it fails fastest. Prints a row a check and
 * ends with the line "N passed, N failed": the tests of vitest and the other checks together.
 *
 *     npm run check                  all of it
 *     npm run check -- lint types    only these
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { holdServices, releaseServices } from "./services/services.js";

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** Minutes after which the check counts as hanging. */
  readonly minutes: number;
  /** Why the check can't be made here. */
  readonly skip?: string | undefined;
  /** How many tests passed and failed, where the check consists of tests. */
  readonly count?: () => Tally;
}

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

const scratch = mkdtempSync(join(tmpdir(), "sentseen-check-"));
const testReport = join(scratch, "tests.json");

/** Real traffic that can't be part of the repository; whoever has it beside the checkout replays it too. */
const TRAFFIC = "../shared/data/irc";
const noTraffic = existsSync(TRAFFIC) ? undefined : `${TRAFFIC} is not there`;

const npx = (name: string, minutes: number, ...command: string[]): Check => ({
  name,
  command: ["npx", "--no-install", ...command],
  minutes,
});
const npm = (name: string, minutes: number, ...args: string[]): Check => ({
  name,
  command: ["npm", "run", "--silent", ...args],
  minutes,
});

const CHECKS: readonly Check[] = [
  npx("lint", 2, "biome", "check", ".", "--error-on-warnings"),
  npm("types", 4, "typecheck"),
  npm("imports", 2, "deps"),
  npm("docs", 2, "docs", "--", "--check"),
  npm("build", 5, "build"),
  npm("unused", 2, "unused"),
  npx("package sentseen", 2, "publint", "--strict"),
  npx("package @sentseen/lmdb", 2, "publint", "--strict", "adapters/lmdb"),
  npx("package @sentseen/redis", 2, "publint", "--strict", "adapters/redis"),
  npx("package @sentseen/cassandra", 2, "publint", "--strict", "adapters/cassandra"),
  npx("package @sentseen/kafka", 2, "publint", "--strict", "adapters/kafka"),
  npx("package @sentseen/push", 2, "publint", "--strict", "adapters/push"),
  npx("types of sentseen", 2, "attw", "--pack", ".", "--profile", "node16"),
  npx("types of @sentseen/lmdb", 2, "attw", "--pack", "adapters/lmdb", "--profile", "node16"),
  npx("types of @sentseen/redis", 2, "attw", "--pack", "adapters/redis", "--profile", "node16"),
  npx("types of @sentseen/cassandra", 2, "attw", "--pack", "adapters/cassandra", "--profile", "node16"),
  npx("types of @sentseen/kafka", 2, "attw", "--pack", "adapters/kafka", "--profile", "node16"),
  npx("types of @sentseen/push", 2, "attw", "--pack", "adapters/push", "--profile", "node16"),
  npm("size of the client", 2, "size"),
  {
    ...npm("tests", 28, "test", "--", "--reporter=default", "--reporter=json", `--outputFile.json=${testReport}`),
    count: countTests,
  },
  { ...npm("replay", 10, "replay", "--", TRAFFIC), skip: noTraffic },
  { ...npm("replay with faults", 12, "replay", "--", TRAFFIC, "--faults"), skip: noTraffic },
  npm("chaos", 5, "chaos", "--", "--seed", "1", "--repeat", "5", "--shape", "lmdb"),
];

function countTests(): Tally {
  if (!existsSync(testReport)) return { passed: 0, failed: 1 };
  const report: { numPassedTests: number; numFailedTests: number; success: boolean } = JSON.parse(
    readFileSync(testReport, "utf8"),
  );
  // A file that doesn't load and an error outside of any test fail the run without a failed test.
  const failed = report.success ? report.numFailedTests : Math.max(1, report.numFailedTests);
  return { passed: report.numPassedTests, failed };
}

function run(check: Check): Tally {
  console.log(`\n── ${check.name}: ${check.command.join(" ")}`);
  const [program = "", ...args] = check.command;
  const began = Date.now();
  const result = spawnSync(program, args, {
    stdio: ["ignore", "inherit", "inherit"],
    timeout: check.minutes * 60_000,
    killSignal: "SIGKILL",
  });
  const ok = result.status === 0;
  console.log(`── ${check.name}: ${ok ? "passed" : "FAILED"} in ${((Date.now() - began) / 1_000).toFixed(1)} s`);
  const tally = check.count?.() ?? { passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
  return ok ? tally : { ...tally, failed: Math.max(1, tally.failed) };
}

const only = process.argv.slice(2);
const unknown = only.filter((name) => !CHECKS.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(", ")}; there are: ${CHECKS.map((check) => check.name).join(", ")}`);
  process.exit(2);
}

await holdServices();
let passed = 0;
const failures: string[] = [];
let failed = 0;
for (const check of CHECKS) {
  if (only.length > 0 && !only.includes(check.name)) continue;
  if (check.skip !== undefined) {
    console.log(`\n── ${check.name}: left out, as ${check.skip}`);
    continue;
  }
  const tally = run(check);
  passed += tally.passed;
  failed += tally.failed;
  if (tally.failed > 0) failures.push(check.name);
}
rmSync(scratch, { recursive: true, force: true });
await releaseServices();

if (failures.length > 0) console.log(`\nfailed: ${failures.join(", ")}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
