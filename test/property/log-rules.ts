import { ChatError } from "../../src/errors.js";
import { DeviceState } from "../../src/messages/device-state.js";
import { Owner, type OwnerOptions } from "../../src/messages/owner.js";
import { Partition, type PartitionOptions } from "../../src/messages/partition.js";
import type { Cell } from "./log-cells.js";

interface RuleText {
  readonly text: string;
  /** Whether it is needed only where storage lands a flush whole (true), or only where it doesn't (false). */
  readonly atomic: boolean | null;
  /** Whether chance finds what comes of leaving it out too rarely, so that it has a schedule of its own. */
  readonly rare: boolean;
}

/** The rules of [R2], each in the parts that can be left out by themselves. */
export const RULES = {
  "a.rows": { text: "rows have landed before the states of devices are issued", atomic: false, rare: false },
  "a.devices": {
    text: "the states of devices have landed before those of conversations are issued",
    atomic: false,
    rare: false,
  },
  "a.conversations": {
    text: "the states of conversations have landed before the checkpoint is issued",
    atomic: false,
    rare: false,
  },
  "a.members": { text: "a conversation's state and its members are one write", atomic: false, rare: false },
  "b.earlier": { text: "an id counts as known only from an earlier offset", atomic: false, rare: false },
  "b.refusals": { text: "a refusal is an answer too", atomic: null, rare: false },
  "b.held": { text: "no id newer than the checkpoint is forgotten", atomic: false, rare: true },
  "b.stored": { text: "no id newer than the last checkpoint is left out of what is stored", atomic: false, rare: true },
  "b.window": { text: "as many ids are kept as a device may have unacknowledged", atomic: null, rare: false },
  "c.alone": { text: "a new owner begins when the old one's lease has run out", atomic: false, rare: true },
  "c.loads": { text: "the lease is looked at after every load", atomic: false, rare: true },
  "c.steps": { text: "the lease is looked at before every step of a flush", atomic: false, rare: true },
  "c.landed": { text: "a state whose flush hasn't landed is kept", atomic: null, rare: false },
  "d.future": {
    text: "whoever loads a row from the future takes the log up again behind it",
    atomic: true,
    rare: true,
  },
  "e.states": { text: "of two versions of a state the greater offset stays", atomic: null, rare: false },
  "e.checkpoint": { text: "the checkpoint never goes back", atomic: null, rare: false },
} as const satisfies Record<string, RuleText>;

export type Rule = keyof typeof RULES;

/** The rules that chance finds too rarely, or the others. */
export function rules(rare: boolean): Rule[] {
  return (Object.keys(RULES) as Rule[]).filter((rule) => RULES[rule].rare === rare);
}

/** Whether what lands last stays, instead of the greater offset. */
export function overwrites(off: Rule | null): (name: string) => boolean {
  if (off === "e.checkpoint") return (name) => name === "checkpoint";
  if (off === "e.states") return (name) => /^(conversation|member|device_state)/.test(name);
  return () => false;
}

/** The step of a flush whose landing isn't waited for, by the kinds of cells that it writes. */
export function unawaited(off: Rule | null, cells: readonly Cell[]): boolean {
  const name = cells[0]?.name ?? "";
  if (off === "a.rows") return /^(history|mailbox)/.test(name);
  if (off === "a.devices") return name.startsWith("device_state");
  return off === "a.conversations" && name.startsWith("conversation");
}

/** A partition that leaves a rule out. */
export function partitionWithout(off: Rule | null, options: PartitionOptions, checkpoint: number): Partition {
  if (off === "b.window") return new Partition({ ...options, window: options.window - 1 }, checkpoint);
  if (off === "c.landed") return new HastyPartition(options, checkpoint);
  if (off === "d.future") return new StubbornPartition(options, checkpoint);
  return new Partition(options, checkpoint);
}

/** Lets states go whose flush hasn't landed. */
class HastyPartition extends Partition {
  override landed(offset: number): void {
    super.landed(Number.MAX_SAFE_INTEGER);
    this.checkpoint = offset;
  }
}

/** Goes on, whatever it has loaded. */
class StubbornPartition extends Partition {
  override load(...loaded: Parameters<Partition["load"]>): boolean {
    super.load(...loaded);
    return true;
  }
}

/** An owner that leaves a rule out. */
export function ownerWithout(off: Rule | null, of: Partition, leased: () => boolean, options: OwnerOptions): Owner {
  const owner = new Owner(of, { valid: () => leased() || off === "c.steps" }, options);
  const looks = { checkLease: () => assertLeased(off === "c.loads" || leased()) };
  if (off === "c.loads" || off === "c.steps") Object.assign(owner, looks);
  return owner;
}

function assertLeased(leased: boolean): void {
  if (!leased) throw new ChatError("closed");
}

/** Leaves a rule out of what devices' states do; answers how to put it back. */
export function tamper(off: Rule | null): () => void {
  const { answerBefore, remember, snapshot } = DeviceState.prototype;
  const changed: Partial<Pick<DeviceState, "answerBefore" | "remember" | "snapshot">> = {};
  if (off === "b.earlier") {
    changed.answerBefore = function (id) {
      return answerBefore.call(this, id, Number.POSITIVE_INFINITY);
    };
  } else if (off === "b.refusals") {
    changed.remember = function (command, settled) {
      if (command.answer.ok) remember.call(this, command, settled);
    };
  } else if (off === "b.held") {
    changed.remember = function (command) {
      remember.call(this, command, Number.MAX_SAFE_INTEGER);
    };
  } else if (off === "b.stored") {
    changed.snapshot = function (offset) {
      return snapshot.call(this, offset, true);
    };
  }
  Object.assign(DeviceState.prototype, changed);
  return () => Object.assign(DeviceState.prototype, { answerBefore, remember, snapshot });
}
