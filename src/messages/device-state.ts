import type { Answer } from "../model/command.js";
import type { Uuid } from "../model/ids.js";
import { uuidTail } from "../protocol/fast-uuids.js";

/** A command that a device is known to have given, and what it came to. */
export interface KnownCommand {
  readonly id: Uuid;
  readonly offset: number;
  readonly answer: Answer;
}

const FIRST_CAPACITY = 8;
/** Numbers begin anew well before they leave the small integers. */
const LAST_NUMBER = 2 ** 30;

/** Numbers of one command in `figures`. */
const FIGURES = 3;
const [OFFSET, SEQ, TIMESTAMP] = [0, 1, 2];
/** Instead of a seq: the answer is a refusal. */
const REFUSED = -1;

/**
 * What a partition remembers of one device's commands: those since the checkpoint, and of the ones before it as many
 * as the device may have unacknowledged. That is enough to know every command that the device may still repeat. [R2 b]
 * Where a flush lands whole, the last ones alone are enough: a replay begins with exactly what was known then.
 *
 * Every message passes here, and what is remembered of it lives for a while: so it is kept as figures in a ring, found
 * by chains through it, and not as objects, which a generational collector would copy and promote before they die.
 */
export class DeviceState {
  /** Commands are numbered; number n is in slot n & mask. Those before `first` are forgotten. */
  private first = 0;
  private next = 0;
  private ids: Uuid[] = [];
  private figures = new Float64Array(0);
  /** For each slot the number of the command before it whose id fell into the same bucket. */
  private before = new Int32Array(0);
  /** For each bucket the last command's number. */
  private last = new Int32Array(0);
  private refusals: Map<number, Answer> | null = null;

  constructor(
    private readonly window: number,
    known: readonly KnownCommand[] = [],
  ) {
    this.begin(known);
  }

  /** Begins the numbers anew, with room for more than what is known. */
  private begin(known: readonly KnownCommand[]): void {
    let capacity = FIRST_CAPACITY;
    while (capacity <= known.length) capacity *= 2;
    this.first = this.next = 0;
    this.ids = new Array<Uuid>(capacity).fill("");
    this.figures = new Float64Array(capacity * FIGURES);
    this.before = new Int32Array(capacity);
    this.last = new Int32Array(capacity).fill(-1);
    this.refusals = null;
    for (const command of known) this.add(command);
  }

  /** The command's answer, if it was given at an **earlier** offset: the record in hand doesn't know itself. [R2 b] */
  answerBefore(id: Uuid, offset: number): Answer | null {
    const number = this.find(id);
    return number >= 0 && this.figure(number, OFFSET) < offset ? this.answer(number) : null;
  }

  /** What the record at exactly this offset came to, where it is remembered. */
  answerAt(id: Uuid, offset: number): Answer | null {
    const number = this.find(id);
    return number >= 0 && this.figure(number, OFFSET) === offset ? this.answer(number) : null;
  }

  /** Remembers a command unless it is known already. Of those up to `settled` the last window is kept. */
  remember(command: KnownCommand, settled: number): void {
    if (this.find(command.id) >= 0) return;
    this.makeRoom(command.offset, settled);
    this.add(command);
  }

  /** Forgets the oldest of those that are settled but for a window of them, the one that comes included. */
  private makeRoom(offset: number, settled: number): void {
    while (this.next - this.first >= this.window) {
      const further = this.first + this.window;
      if ((further === this.next ? offset : this.figure(further, OFFSET)) > settled) return;
      this.refusals?.delete(this.first);
      this.first++;
    }
  }

  /**
   * What is to be stored with a flush up to `offset`, oldest first. `lastOnly` where the whole flush lands at once:
   * a replay then begins behind all of it, and no more than the window can be asked for.
   */
  snapshot(offset: number, lastOnly: boolean): KnownCommand[] {
    const known: KnownCommand[] = [];
    for (let number = this.first; number < this.next; number++) {
      const command = this.command(number);
      if (command.offset <= offset) known.push(command);
    }
    return lastOnly ? known.slice(-this.window) : known;
  }

  private find(id: Uuid): number {
    const { ids, first } = this;
    const mask = ids.length - 1;
    let number = this.last[uuidTail(id) & mask] as number;
    while (number >= first && ids[number & mask] !== id) number = this.before[number & mask] as number;
    return number >= first ? number : -1;
  }

  private add({ id, offset, answer }: KnownCommand): void {
    const full = this.next - this.first === this.ids.length;
    if (full || this.next === LAST_NUMBER) this.begin(this.snapshot(Number.POSITIVE_INFINITY, false));
    const mask = this.ids.length - 1;
    const number = this.next++;
    const slot = number & mask;
    const bucket = uuidTail(id) & mask;
    this.ids[slot] = id;
    this.before[slot] = this.last[bucket] as number;
    this.last[bucket] = number;
    const at = slot * FIGURES;
    this.figures[at + OFFSET] = offset;
    this.figures[at + SEQ] = answer.ok ? answer.seq : REFUSED;
    this.figures[at + TIMESTAMP] = answer.ok ? answer.timestamp : 0;
    if (answer.ok) return;
    this.refusals ??= new Map();
    this.refusals.set(number, answer);
  }

  private command(number: number): KnownCommand {
    const id = this.ids[number & (this.ids.length - 1)] as Uuid;
    return { id, offset: this.figure(number, OFFSET), answer: this.answer(number) };
  }

  private figure(number: number, which: number): number {
    return this.figures[(number & (this.ids.length - 1)) * FIGURES + which] as number;
  }

  private answer(number: number): Answer {
    const seq = this.figure(number, SEQ);
    if (seq === REFUSED) return this.refusals?.get(number) as Answer;
    return { ok: true, seq, timestamp: this.figure(number, TIMESTAMP) };
  }
}
