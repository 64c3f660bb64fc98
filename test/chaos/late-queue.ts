import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Consumer, Consumption, Queue, QueueItem, QueueRecord } from "../../src/ports/index.js";

/** How long the queue takes to write what it has promised, in milliseconds. */
const LATE_MS = 150;

/**
 * A queue with a bug planted in it: it says `durable`, and a resolved publish is in memory only for a while. What was
 * accepted in the last moments is gone when the process is killed.
 */
export function lateQueue(directory: string): Queue {
  const file = join(directory, "late-queue.jsonl");
  const records: QueueRecord[] = [];
  let consumer: Consumer | null = null;
  let handed = 0;
  let handing = Promise.resolve();
  let unwritten: QueueRecord[] = [];
  let timer: NodeJS.Timeout | null = null;
  let last = 0;

  function write(): void {
    timer = null;
    const lines = unwritten.map(({ key, value, offset }) =>
      JSON.stringify({ key, offset, value: Buffer.from(value).toString("base64") }),
    );
    unwritten = [];
    if (lines.length > 0) appendFileSync(file, `${lines.join("\n")}\n`);
  }

  function handOn(): void {
    handing = handing.then(async () => {
      const batch = records.slice(handed);
      handed = records.length;
      if (batch.length > 0) await consumer?.batch(0, batch);
    });
  }

  return {
    contract: 1,
    scope: "process",
    durable: true,
    embedded: true,
    async open() {
      if (!existsSync(file)) return;
      for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
        const { key, offset, value } = JSON.parse(line);
        records.push({ key, offset, value: Buffer.from(value, "base64") });
        last = offset;
      }
    },
    async close() {
      if (timer !== null) clearTimeout(timer);
      write();
    },
    partitions: () => 1,
    async publish(_topic: string, items: readonly QueueItem[]) {
      for (const item of items) {
        last = Math.max(last + 1, Date.now() * 1_000);
        const record = { ...item, offset: last };
        records.push(record);
        unwritten.push(record);
      }
      timer ??= setTimeout(write, LATE_MS);
      handOn();
    },
    async consume(_topic: string, _group: string, given: Consumer): Promise<Consumption> {
      consumer = given;
      let valid = true;
      const from = (await given.assigned(0, { valid: () => valid }, 0)) ?? 0;
      handed = records.findIndex(({ offset }) => offset > from);
      if (handed < 0) handed = records.length;
      handOn();
      return {
        async commit() {},
        async stop() {
          if (!valid) return;
          await handing;
          await given.revoked(0);
          valid = false;
          consumer = null;
        },
      };
    },
    head: async () => records.at(-1)?.offset ?? null,
    recordsAfter: async (_topic, _partition, after) => records.filter(({ offset }) => offset > after).length,
  };
}
