import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isChatError } from "sentseen/ports";
import { describe, expect, onTestFinished, test } from "vitest";
import { lmdb } from "../src/index.js";
import { type Child, start } from "./child.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** Starts a process that holds the directory. */
async function holder(directory: string): Promise<Child> {
  const child = start("owner.ts", [directory]);
  onTestFinished(() => child.kill());
  await child.line("open");
  return child;
}

async function refusal(directory: string): Promise<{ code: string; message: string }> {
  const { storage } = lmdb({ directory });
  const error = await storage.open().then(
    () => storage.close(),
    (reason: unknown) => reason,
  );
  if (!isChatError(error)) throw new Error(`It was opened: ${String(error)}`);
  return error;
}

async function opens(directory: string): Promise<void> {
  const { storage } = lmdb({ directory });
  await storage.open();
  await storage.close();
}

/** Puts a lock there as if a process with these marks had left it behind. */
async function leaveLock(directory: string, marks: object): Promise<void> {
  await writeFile(join(directory, "owner.7"), JSON.stringify(marks));
}

/** The marks of this process, as its lock has them. */
async function ownMarks(directory: string): Promise<Record<string, unknown>> {
  const { storage } = lmdb({ directory });
  await storage.open();
  const marks: unknown = JSON.parse(await readFile(join(directory, "owner.1"), "utf8"));
  await storage.close();
  return marks as Record<string, unknown>;
}

describe("a directory belongs to one process at a time", () => {
  test("a second open in the same process is refused, naming directory and process", async () => {
    const directory = await temporaryDirectory();
    const { storage } = lmdb({ directory });
    await storage.open();
    const { code, message } = await refusal(directory);
    expect(code).toBe("in_use");
    expect(message).toContain(directory);
    expect(message).toContain(String(process.pid));
    await storage.close();
    await opens(directory);
  });

  test("another process is refused, and let in as soon as the owner has closed", async () => {
    const directory = await temporaryDirectory();
    const owner = await holder(directory);
    const { code, message } = await refusal(directory);
    expect(code).toBe("in_use");
    expect(message).toContain(directory);
    expect(message).toContain(`process ${owner.pid}`);
    await owner.end();
    await opens(directory);
    expect((await readdir(directory)).filter((name) => name.includes("owner"))).toEqual([]);
  });

  test("an owner that stands still is an owner", async () => {
    const directory = await temporaryDirectory();
    const owner = await holder(directory);
    owner.process.kill("SIGSTOP");
    expect((await refusal(directory)).code).toBe("in_use");
  });

  test("a killed owner is in nobody's way, not for a moment", async () => {
    const directory = await temporaryDirectory();
    for (let round = 0; round < 2; round++) {
      const owner = await holder(directory);
      await owner.kill();
      const since = performance.now();
      await opens(directory);
      expect(performance.now() - since).toBeLessThan(1_000);
    }
  });

  test("the kernel knows of the owner though somebody removed its lock file", async () => {
    const directory = await temporaryDirectory();
    const owner = await holder(directory);
    await rm(join(directory, "owner.1"));
    const { code, message } = await refusal(directory);
    expect(code).toBe("in_use");
    expect(message).toContain(`process ${owner.pid}`);
  });

  test("the lock of a process whose pid was given to another is stale", async () => {
    const directory = await temporaryDirectory();
    const marks = await ownMarks(directory);
    await leaveLock(directory, { ...marks, started: "1" });
    await opens(directory);
  });

  test("the lock of a pid that nobody has is stale", async () => {
    const directory = await temporaryDirectory();
    const marks = await ownMarks(directory);
    await leaveLock(directory, { ...marks, pid: 2 ** 30 });
    await opens(directory);
  });

  test("the lock of an earlier run of the machine is stale, whatever its host was called", async () => {
    const directory = await temporaryDirectory();
    const marks = await ownMarks(directory);
    await leaveLock(directory, { ...marks, host: "elsewhere", boot: "another run" });
    await opens(directory);
  });

  test("the lock of another host that may be up counts, and the error says what to do", async () => {
    const directory = await temporaryDirectory();
    const marks = await ownMarks(directory);
    await leaveLock(directory, { ...marks, host: `not-${hostname()}`, boot: null });
    const { code, message } = await refusal(directory);
    expect(code).toBe("in_use");
    expect(message).toContain(join(directory, "owner.7"));
  });

  test("the lock of another container of this machine is stale if the kernel says so, and only then", async () => {
    const directory = await temporaryDirectory();
    const marks = await ownMarks(directory);
    await leaveLock(directory, { ...marks, host: "another-container", pid: 1 });
    await opens(directory);
    const owner = await holder(directory);
    await rm(join(directory, "owner.1"));
    await leaveLock(directory, { ...marks, host: "another-container", pid: 1 });
    expect((await refusal(directory)).message).toContain(`process ${owner.pid}`);
  });

  test("a lock that was torn by a power cut is stale", async () => {
    const directory = await temporaryDirectory();
    await opens(directory);
    await writeFile(join(directory, "owner.3"), "");
    await opens(directory);
  });

  test("of many processes that find a stale lock at once exactly one gets the directory", async () => {
    const directory = await temporaryDirectory();
    const marks = await ownMarks(directory);
    await leaveLock(directory, { ...marks, pid: 2 ** 30 });
    const rivals = Array.from({ length: 5 }, () => start("owner.ts", [directory]));
    onTestFinished(async () => {
      await Promise.all(rivals.map((rival) => rival.kill()));
    });
    const outcomes = await Promise.all(
      rivals.map((rival) => Promise.race([rival.line("open"), rival.line("refused")])),
    );
    expect(outcomes.filter((line) => line === "open")).toHaveLength(1);
    expect(outcomes.filter((line) => line.startsWith("refused in_use"))).toHaveLength(4);
  });
});
