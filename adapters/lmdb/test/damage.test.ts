import { copyFile, mkdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "lmdb";
import { isChatError, type Write } from "sentseen/ports";
import { chance } from "sentseen/testing";
import { describe, expect, test } from "vitest";
import { lmdb } from "../src/index.js";
import { start } from "./child.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** Opens storage and queue; answers the code and text of the refusal, or null. */
async function refusal(directory: string): Promise<{ code: string; message: string } | null> {
  const { storage, queue } = lmdb({ directory });
  try {
    await storage.open();
    await queue.open();
    return null;
  } catch (error) {
    if (isChatError(error)) return error;
    throw error;
  } finally {
    await queue.close();
    await storage.close();
  }
}

function rows(count: number): Write[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "mailbox",
    user: `user ${index % 50}`,
    rows: [{ position: index + 1, value: new Uint8Array(100 + (index % 7) * 900).fill(index) }],
    expires_at: null,
  }));
}

/** A directory with rows of all sizes and a log. */
async function filled(directory: string): Promise<string> {
  const { storage, queue } = lmdb({ directory });
  await storage.open();
  await queue.open();
  await storage.write(rows(2_000));
  for (let round = 0; round < 5; round++) {
    await queue.publish(
      "commands",
      Array.from({ length: 20 }, (_, index) => ({
        key: `key ${index}`,
        value: Buffer.from(`round ${round} `.repeat(125)),
      })),
    );
  }
  await queue.close();
  await storage.close();
  return directory;
}

describe("a directory that is damaged or foreign is refused, saying what and where", () => {
  test("a file where the directory should be", async () => {
    const path = join(await temporaryDirectory(), "notes.txt");
    await writeFile(path, "not a directory");
    const error = await refusal(path);
    expect(error).toMatchObject({ code: "corrupt" });
    expect(error?.message).toContain(path);
  });

  test.each([
    ["a text", Buffer.from("Dear diary, ".repeat(2_000))],
    ["random bytes", Buffer.from(Array.from({ length: 40_000 }, (_, index) => (index * 7_919) & 255))],
    ["zeros", Buffer.alloc(100_000)],
    ["a few bytes", Buffer.from("LMDB")],
  ])("%s as the data file", async (_, bytes) => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "data.mdb"), bytes);
    const error = await refusal(directory);
    expect(error).toMatchObject({ code: "corrupt" });
    expect(error?.message).toContain(join(directory, "data.mdb"));
    expect(await readFile(join(directory, "data.mdb")), "what is there is left as it is").toEqual(bytes);
  });

  test("a data file that lost its content or is gone, once there was some", async () => {
    for (const harm of [(path: string) => truncate(path, 0), (path: string) => rm(path)]) {
      const directory = await filled(await temporaryDirectory());
      await harm(join(directory, "data.mdb"));
      const error = await refusal(directory);
      expect(error).toMatchObject({ code: "corrupt" });
      expect(error?.message).toMatch(/missing or empty/);
    }
  });

  test("an environment that another program made with LMDB", async () => {
    const directory = await temporaryDirectory();
    const foreign = open<string, string>({ path: directory, noSubdir: false });
    await foreign.openDB<string, string>("meta", {}).put("some", "thing");
    await foreign.put("other", "things");
    await foreign.close();
    const error = await refusal(directory);
    expect(error).toMatchObject({ code: "corrupt" });
    expect(error?.message).toContain("something other than @sentseen/lmdb");
  });

  test("an LMDB file of the classic format", async () => {
    const directory = await temporaryDirectory();
    const file = Buffer.alloc(8_192);
    file.writeUInt16LE(0x08, 10);
    file.writeUInt32LE(0xbeefc0de, 16);
    file.writeUInt32LE(1, 20);
    await writeFile(join(directory, "data.mdb"), file);
    expect(await refusal(directory)).toMatchObject({ code: "corrupt" });
  });

  test("a format that only a newer version knows", async () => {
    const directory = await filled(await temporaryDirectory());
    const marker = join(directory, "format.json");
    const text = await readFile(marker, "utf8");
    await writeFile(marker, text.replace('"format":1', '"format":2'));
    const error = await refusal(directory);
    expect(error).toMatchObject({ code: "corrupt" });
    expect(error?.message).toMatch(/newer version .* format 2/);
    await writeFile(marker, "{");
    expect(await refusal(directory)).toMatchObject({ code: "corrupt" });
    await writeFile(marker, text);
    expect(await refusal(directory)).toBeNull();
  });

  test("a directory whose making was cut short is made, as nothing was in it yet", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "data.mdb"), "");
    expect(await refusal(directory)).toBeNull();
    await rm(join(directory, "format.json"));
    expect(await refusal(directory)).toBeNull();
    expect(JSON.parse(await readFile(join(directory, "format.json"), "utf8"))).toMatchObject({ format: 1 });
  });

  describe("with rows and a log in it", () => {
    /** Makes one, and answers its size and how to copy it. */
    async function sound() {
      const origin = await filled(await temporaryDirectory());
      const { size } = await stat(join(origin, "data.mdb"));
      const copy = async (name: string) => {
        const directory = join(origin, name);
        const data = join(directory, "data.mdb");
        await mkdir(directory);
        await copyFile(join(origin, "format.json"), join(directory, "format.json"));
        await copyFile(join(origin, "data.mdb"), data);
        return { directory, data };
      };
      return { size, copy };
    }

    test("a data file cut short anywhere within what is used", async () => {
      const { size, copy } = await sound();
      for (const part of [0.001, 0.01, 0.2, 0.5, 0.9]) {
        const { directory, data } = await copy(`cut ${part}`);
        await truncate(data, Math.floor(size * part));
        const error = await refusal(directory);
        expect(error, `cut to ${part}`).toMatchObject({ code: "corrupt" });
        expect(error?.message).toContain(data);
      }
    });

    test("a byte of the log that changed", async () => {
      const { copy } = await sound();
      const { directory, data } = await copy("flipped");
      const bytes = await readFile(data);
      const at = bytes.indexOf("round 3 round 3");
      bytes[at + 6] = 52;
      await writeFile(data, bytes);
      const error = await refusal(directory);
      expect(error).toMatchObject({ code: "corrupt" });
      expect(error?.message).toMatch(/log of commands is damaged between its offsets \d+ and \d+/);
    });

    test("pages full of noise: each time it is refused or read, and the process lives", async () => {
      const { size, copy } = await sound();
      const luck = chance(11);
      const directories: string[] = [];
      for (let round = 0; round < 40; round++) {
        const { directory, data } = await copy(`noise ${round}`);
        const bytes = await readFile(data);
        const page = luck.int(size / 4_096) * 4_096;
        const from = page + (round % 2 === 0 ? 0 : luck.int(4_000));
        for (let at = from; at < Math.min(from + 1 + luck.int(600), size); at++) bytes[at] = luck.int(256);
        await writeFile(data, bytes);
        directories.push(directory);
      }
      const child = start("reader.ts", directories);
      await child.line("done");
      expect(child.lines).toHaveLength(directories.length + 1);
      expect(child.lines.filter((line) => line.startsWith("corrupt")).length).toBeGreaterThan(5);
      expect(child.lines.filter((line) => !/^(corrupt|read|done)/.test(line))).toEqual([]);
    });
  });
});
