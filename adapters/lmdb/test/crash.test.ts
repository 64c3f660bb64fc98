import { join } from "node:path";
import type { QueueRecord } from "sentseen/ports";
import { until } from "sentseen/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { lmdb } from "../src/index.js";
import { start } from "./child.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** All records of the commands that are kept. */
async function kept(directory: string): Promise<QueueRecord[]> {
  const { queue } = lmdb({ directory });
  await queue.open();
  const records: QueueRecord[] = [];
  const consumption = await queue.consume("commands", "reader", {
    assigned: async () => null,
    batch: (_, batch) => {
      records.push(...batch);
    },
    revoked: async () => {},
  });
  const head = await queue.head("commands", 0);
  await until("the last record", () => head === null || records.at(-1)?.offset === head);
  await consumption.stop();
  await queue.close();
  return records;
}

describe("a crash", () => {
  test("loses nothing of what was accepted, whenever it comes", async () => {
    const directory = await temporaryDirectory();
    let accepted = 0;
    for (const moment of [40, 200, 1_000]) {
      const child = start("owner.ts", [directory, "1000000"]);
      onTestFinished(() => child.kill());
      await until(`${moment} items to be accepted`, () => child.lines.length > moment, 25_000);
      await child.kill();
      accepted += child.lines.filter((line) => line.startsWith("accepted")).length;
      const records = await kept(directory);
      expect(records.length).toBeGreaterThanOrEqual(accepted);
      // At most what was under way, eight items, was stored without being told.
      expect(records.length).toBeLessThanOrEqual(accepted + 8);
      const values = records.map((record) => Number(new TextDecoder().decode(record.value)));
      for (const [index, value] of values.entries()) {
        if (index > 0 && value !== 0) expect(value).toBe((values[index - 1] as number) + 1);
      }
      accepted = records.length;
    }
  });

  test("a data file that may not grow makes writes fail, not the process, and room lets them succeed again", async () => {
    const directory = join(await temporaryDirectory(), "data");
    // The unit is a kilobyte: a file of eight megabytes at most.
    const child = start("filler.ts", [directory], "-f 8192");
    onTestFinished(() => child.kill());
    await child.line("refused store_unavailable");
    await child.line("trimmed");
    await child.line("accepted again");
    await child.line("closed");
    expect(child.lines.filter((line) => line.startsWith("unhandled"))).toEqual([]);
  });

  test("a directory that can't be made is told as an error of the system", async () => {
    for (const directory of ["/proc/sentseen", join("/dev/null", "data")]) {
      await expect(lmdb({ directory }).storage.open()).rejects.toMatchObject({ code: "store_unavailable" });
    }
  });
});
