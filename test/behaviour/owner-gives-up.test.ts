import { memory } from "sentseen/memory";
import { expect, it } from "vitest";
import { Counts } from "../../src/log/counts.js";
import { DeadLetters } from "../../src/log/dead-letters.js";
import { type Outlets, Owner } from "../../src/messages/owner.js";
import { Partition } from "../../src/messages/partition.js";
import type { Command } from "../../src/model/command.js";
import { directConversation, newId } from "../../src/model/ids.js";
import type { QueueRecord, Write } from "../../src/ports/index.js";
import { until } from "../../src/testing/until.js";
import { intercept } from "./support/intercept.js";

const COMMANDS = "commands";

function record(offset: number): QueueRecord {
  const command: Command = {
    conversation: directConversation("alice", "bob"),
    id: newId(),
    sender: "alice",
    device: newId(),
    timestamp: 1,
    origin: { node: "n", connection: 1, ref: offset },
    own_copy: true,
    action: { type: "send", to: "bob", content_type: "text", content: new Uint8Array(1) },
  };
  return { key: command.conversation, value: new Uint8Array(0), decoded: command, offset };
}

/** An owner over an empty store, that notes what it writes, answers and reports. */
async function owner(faults: { append?: Error; collect?: Error; write?: Error }) {
  const { storage, queue } = memory();
  await storage.open();
  const writes: Write[] = [];
  const answers: number[] = [];
  const failures: unknown[] = [];
  const outlets: Outlets = {
    append() {
      if (faults.append !== undefined) throw faults.append;
    },
    release() {},
    answer: ({ offset }) => answers.push(offset),
    turn() {},
    deadLetter: (_offset, error) => failures.push(error),
    failed: (error) => failures.push(error),
  };
  const collect = (): Write[] => {
    if (faults.collect !== undefined) throw faults.collect;
    return [];
  };
  const counts = new Counts();
  const options = { partition: 0, window: 8, maxMembers: 99, atomic: storage.atomic, cached: 100, counts };
  const subject = new Owner(
    new Partition(options, 0),
    { valid: () => true },
    {
      storage: intercept(storage, (method, args, run) => {
        if (method !== "write") return run();
        if (faults.write !== undefined) return Promise.reject(faults.write);
        writes.push(...(args[0] as readonly Write[]));
        return Promise.resolve();
      }),
      topic: COMMANDS,
      number: 0,
      durableQueue: true,
      flushMs: 1,
      flushBytes: 1_000_000,
      waiting: () => 0,
      parts: [{ collect, landed() {} }],
      aside: new DeadLetters(queue, COMMANDS, 0),
      counts,
      outlets,
      probe() {},
    },
  );
  return { subject, writes, answers, failures };
}

it("an entry that can't be put into mailboxes is not acknowledged, nor counted as done in storage", async () => {
  const fault = new Error("no room");
  const { subject, writes, answers, failures } = await owner({ append: fault });
  await expect(subject.accept([record(1)])).rejects.toBe(fault);
  expect(failures).toEqual([fault]);
  await subject.flush();
  await subject.stop(100);
  expect(writes).toEqual([]);
  expect(answers).toEqual([]);
  expect(() => subject.accept([record(2)])).toThrow("stopped");
});

it("a flush that can't be made ends the owner and nothing else", async () => {
  const fault = new Error("can't be written down");
  const { subject, writes, failures } = await owner({ collect: fault });
  await subject.accept([record(1)]);
  await subject.flush();
  expect(failures).toEqual([fault]);
  expect(writes).toEqual([]);
  expect(() => subject.accept([record(2)])).toThrow("stopped");
});

it("an owner that can't reach storage tries again until it has to stop, and stops in time", async () => {
  const fault = new Error("away");
  const { subject, writes, answers, failures } = await owner({ write: fault });
  await subject.accept([record(1)]);
  expect(answers).toEqual([1]);
  const flushed = subject.flush();
  await until("two tries", () => failures.length >= 2);
  const since = performance.now();
  await subject.stop(100);
  expect(performance.now() - since).toBeLessThan(5_000);
  await flushed;
  expect(new Set(failures)).toEqual(new Set([fault]));
  expect(writes).toEqual([]);
});
