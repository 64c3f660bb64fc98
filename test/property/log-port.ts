import { ChatError } from "../../src/errors.js";
import type { Uuid } from "../../src/model/ids.js";
import { CONTRACT, type DeviceStateKey, type Storage, type Versioned, type Write } from "../../src/ports/index.js";
import { type Cell, type Cells, cellsOf } from "./log-cells.js";
import { type Rule, unawaited } from "./log-rules.js";

/** Cells that land together. */
export type Unit = readonly Cell[];

/** A write that isn't answered: its units land one by one, in any order. */
export interface WriteCall {
  readonly kind: "write";
  readonly left: Unit[];
  land(at: number): void;
  /** Answers that storage is away; what hasn't landed may still land, later. */
  fail(): void;
}

/** A read that isn't answered: it looks at one row after the other. */
export interface ReadCall {
  readonly kind: "read";
  readonly left: number;
  look(): void;
  fail(): void;
}

export type Call = WriteCall | ReadCall;

export interface PortOptions {
  readonly cells: Cells;
  /** Whether a call lands, and is read, as a whole. */
  readonly atomic: boolean;
  readonly off: Rule | null;
  /** Takes what will land some time, or never: nobody waits for it any more. */
  readonly stray: (units: readonly Unit[]) => void;
}

/** The storage as one owner sees it. Nothing happens by itself: calls wait until the schedule moves them. */
export class StoragePort implements Storage {
  readonly contract = CONTRACT;
  readonly scope = "cluster";
  readonly atomic: boolean;
  readonly calls: Call[] = [];
  private dead = false;

  constructor(private readonly options: PortOptions) {
    this.atomic = options.atomic;
  }

  /** The owner is no more: nothing is answered. What it had issued may land. */
  abandon(): void {
    this.dead = true;
    for (const call of this.calls.splice(0)) if (call.kind === "write") this.options.stray(call.left);
  }

  write(writes: readonly Write[]): Promise<void> {
    if (this.dead) return new Promise(() => {});
    const { cells, atomic, off, stray } = this.options;
    const units = atomic ? [writes.flatMap(cellsOf)] : writes.flatMap((write) => unitsOf(write, off));
    if (units[0] !== undefined && unawaited(off, units[0])) {
      stray(units);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const call: WriteCall = {
        kind: "write",
        left: units,
        land: (at) => {
          cells.land(units.splice(at, 1)[0] ?? []);
          if (units.length === 0) this.answer(call, resolve);
        },
        fail: () => {
          stray(units);
          this.answer(call, () => reject(new ChatError("store_unavailable")));
        },
      };
      this.calls.push(call);
    });
  }

  conversations(ids: readonly Uuid[]): Promise<(Versioned | null)[]> {
    return this.read(ids, (id) => this.options.cells.conversation(id));
  }

  deviceStates(keys: readonly DeviceStateKey[]): Promise<(Versioned | null)[]> {
    return this.read(keys, (key) => this.options.cells.deviceState(key));
  }

  async checkpoint(): Promise<Versioned | null> {
    return this.options.cells.checkpoint();
  }

  private read<Key>(keys: readonly Key[], look: (key: Key) => Versioned | null): Promise<(Versioned | null)[]> {
    if (this.dead) return new Promise(() => {});
    if (keys.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const rows: (Versioned | null)[] = [];
      const call: ReadCall = {
        kind: "read",
        get left() {
          return keys.length - rows.length;
        },
        look: () => {
          const wanted = this.atomic ? keys.length : rows.length + 1;
          for (const key of keys.slice(rows.length, wanted)) rows.push(look(key));
          if (rows.length === keys.length) this.answer(call, () => resolve(rows));
        },
        fail: () => this.answer(call, () => reject(new ChatError("store_unavailable"))),
      };
      this.calls.push(call);
    });
  }

  private answer(call: Call, how: () => void): void {
    this.calls.splice(this.calls.indexOf(call), 1);
    how();
  }

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  readonly mailbox = unused;
  readonly history = unused;
  readonly conversationsOf = unused;
  readonly receipts = unused;
  readonly devices = unused;
  readonly sweep = unused;
}

/** What of a write lands together: all of it, or, with that left out, the members apart from the state. */
function unitsOf(write: Write, off: Rule | null): Unit[] {
  const cells = cellsOf(write);
  if (off !== "a.members" || write.kind !== "conversation" || cells.length === 1) return [cells];
  return [cells.slice(0, 1), cells.slice(1)];
}

function unused(): never {
  throw new Error("not a part of the model");
}
