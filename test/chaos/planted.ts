import type { Queue, Storage, Write } from "../../src/ports/index.js";
import { lateQueue } from "./late-queue.js";

/** Bugs that the checker has to find, planted by wrapping the ports: the product has no switch for them. */
export const PLANTED_BUGS = [
  /** The queue promises durability before it has it. [R1] */
  "ack-before-durable",
  /** What devices have sent is forgotten at a restart. [R2 b] */
  "dedupe-off",
  /** A conversation's state isn't written behind the rows that it decided, so a seq is given again. [R2 a] */
  "seq-rolled-back",
  /** Some of the rows of mailboxes aren't written. [R3] */
  "mailbox-skipped",
] as const;

export type PlantedBug = (typeof PLANTED_BUGS)[number];

interface Ports {
  readonly storage: Storage;
  readonly queue: Queue;
}

/** The same ports with a bug in one of them. */
export function plant<P extends Ports>(bug: PlantedBug, ports: P, directory: string): P {
  switch (bug) {
    case "ack-before-durable":
      return { ...ports, queue: lateQueue(directory) };
    case "dedupe-off":
      return { ...ports, storage: dropping(ports.storage, ({ kind }) => kind === "device_state") };
    case "seq-rolled-back":
      return { ...ports, storage: dropping(ports.storage, everyOther("conversation")) };
    case "mailbox-skipped":
      return { ...ports, storage: dropping(ports.storage, everyOther("mailbox")) };
  }
}

function everyOther(kind: Write["kind"]): (write: Write) => boolean {
  let seen = 0;
  return (write) => write.kind === kind && seen++ % 2 === 1;
}

/** A storage that says it wrote what it dropped. */
function dropping(storage: Storage, drops: (write: Write) => boolean): Storage {
  return wrapStorage(storage, { write: (writes) => storage.write(writes.filter((write) => !drops(write))) });
}

/** Another storage over the same one, with some of its members replaced. */
export function wrapStorage(storage: Storage, replaced: Partial<Storage>): Storage {
  return new Proxy(storage, {
    get(target, key) {
      const own = Reflect.get(replaced, key) as unknown;
      if (own !== undefined) return own;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
