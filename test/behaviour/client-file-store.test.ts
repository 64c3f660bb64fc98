import { type ChildProcess, spawn } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileStore } from "../../src/client/node.js";
import { entry, step } from "./client-store-contract.js";

let directory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sentseen-files-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

const { conversation } = entry(1);

async function seqs(): Promise<number[]> {
  const store = fileStore(directory);
  await store.open();
  const found = await store.entries({ conversation, after: 0, before: 1e9, limit: 1e9, last: false });
  await store.close();
  return found.map(({ seq }) => seq);
}

/** Starts a process that writes entries one after another and says how far it is. */
function writer(size: number): { readonly child: ChildProcess; readonly lines: AsyncIterableIterator<string> } {
  const program = fileURLToPath(new URL("./client-file-writer.ts", import.meta.url));
  const options = ["--conditions=sentseen-source", "--import", "tsx", program, directory, String(size)];
  const child = spawn(process.execPath, options, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return { child, lines: createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]() };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

describe("a file store whose process dies", () => {
  test("has every step that was resolved and nothing of one that was not whole, wherever it was killed", async () => {
    // Entries so large that history is filed every few steps, so kills fall into filing as well.
    for (const after of [1, 7, 23, 41]) {
      const { child, lines } = writer(300_000);
      let last = 0;
      for (let count = 0; count < after; count++) last = Number((await lines.next()).value);
      await kill(child);
      const found = await seqs();
      expect(found).toEqual(found.map((_, i) => i + 1));
      expect(found.length).toBeGreaterThanOrEqual(last);
    }
  }, 60_000);

  test("is refused to others while it lives, and free once it is dead", async () => {
    const { child, lines } = writer(10);
    await lines.next();
    await expect(fileStore(directory).open()).rejects.toMatchObject({ code: "in_use", field: "store" });
    await kill(child);
    const [one, other] = [fileStore(directory), fileStore(directory)];
    const opened = await Promise.allSettled([one.open(), other.open()]);
    expect(opened.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await Promise.all([one.close(), other.close()]);
  });

  test("is free although another process has the dead one's number by now", async () => {
    const store = fileStore(directory);
    await store.open();
    await store.close();
    const [name] = (await readdir(directory)).filter((file) => file.startsWith("lock-"));
    // This very process lives, but began at another time than the owner that is on record.
    await writeFile(join(directory, name as string), JSON.stringify({ pid: process.pid, began: "another boot 1" }));
    await store.open();
    await store.close();
  });
});

describe("a file store whose files were damaged", () => {
  async function journal(): Promise<string> {
    const [name] = (await readdir(directory)).filter((file) => file.startsWith("journal-"));
    return join(directory, name as string);
  }

  async function fill(): Promise<void> {
    const store = fileStore(directory);
    await store.open();
    for (let seq = 1; seq <= 5; seq++) await store.write(step({ entries: [entry(seq)] }));
    await store.close();
  }

  test("goes on before a step that was torn, at whichever byte", async () => {
    await fill();
    const path = await journal();
    const whole = await readFile(path);
    const last = whole.length - 20;
    for (const length of [whole.length - 1, last, last - 150]) {
      await writeFile(path, whole);
      await truncate(path, length);
      const found = await seqs();
      expect(found).toEqual([1, 2, 3, 4, 5].slice(0, found.length));
      expect(found.length).toBeGreaterThanOrEqual(3);
      expect(found.length).toBeLessThan(5);
    }
  });

  test("goes on where a torn end was left, and keeps what comes then", async () => {
    await fill();
    await appendFile(await journal(), Buffer.alloc(1_000));
    const store = fileStore(directory);
    await store.open();
    await store.write(step({ entries: [entry(6)] }));
    await store.close();
    expect(await seqs()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("is refused where it is another program's", async () => {
    await writeFile(join(directory, "journal-1"), "something else altogether");
    await expect(fileStore(directory).open()).rejects.toMatchObject({ code: "corrupt" });
    await rm(join(directory, "journal-1"));
    const store = fileStore(directory);
    await store.open();
    await store.close();
  });

  test("is refused where its state was changed", async () => {
    await fill();
    await writeFile(join(directory, "state"), "no state");
    await expect(fileStore(directory).open()).rejects.toMatchObject({ code: "corrupt" });
  });
});

test("what a file store's journal holds stays small, however long the history", async () => {
  const store = fileStore(directory);
  await store.open();
  const text = "x".repeat(60_000);
  for (let seq = 1; seq <= 300; seq++) await store.write(step({ entries: [entry(seq, text)] }));
  const journals = (await readdir(directory)).filter((file) => file.startsWith("journal-"));
  expect(journals).toHaveLength(1);
  expect((await stat(join(directory, journals[0] as string))).size).toBeLessThan(5_000_000);
  const newest = await store.entries({ conversation, after: 0, before: 1e9, limit: 2, last: true });
  const oldest = await store.entries({ conversation, after: 0, before: 1e9, limit: 2, last: false });
  expect([...oldest, ...newest].map(({ seq }) => seq)).toEqual([1, 2, 299, 300]);
  await store.close();
});
