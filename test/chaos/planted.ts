import type { Queue, Storage, Write } from "../../src/ports/index.js";
import { lateQueue } from "./late-queue.js";

/** Bugs that the checker has to find, planted by wrapping the ports: the product has no switch for them. */
export const PLANTED_BUGS = [
  /** The queue promises durability before it has it. [R1] */
  "ack-before-durable",
  /** What devices have sent is forgotten at a restart. [R2 b] */
  "dedupe-off",
  /** A conversation's state is written once and then no more, so after a restart a seq is given again. [R2 a] */
  "seq-rolled-back",
  /** The last row of each write to a mailbox is missing. [R3] */
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
      return { ...ports, storage: writing(ports.storage, (write) => (write.kind === "device_state" ? null : write)) };
    case "seq-rolled-back":
      return { ...ports, storage: writing(ports.storage, firstOfConversation()) };
    case "mailbox-skipped":
      return { ...ports, storage: writing(ports.storage, withoutLastRow) };
  }
}

function firstOfConversation(): (write: Write) => Write | null {
  const written = new Set<string>();
  return (write) => {
    if (write.kind !== "conversation") return write;
    if (written.has(write.conversation)) return null;
    written.add(write.conversation);
    return write;
  };
}

function withoutLastRow(write: Write): Write | null {
  return write.kind === "mailbox" ? { ...write, rows: write.rows.slice(0, -1) } : write;
}

/** A storage that writes something else than it was given, or nothing, and says that it did as told. */
function writing(storage: Storage, instead: (write: Write) => Write | null): Storage {
  return wrapStorage(storage, {
    write: (writes) => storage.write(writes.map(instead).filter((write) => write !== null)),
  });
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
