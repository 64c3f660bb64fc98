import type { Answer } from "../model/command.js";
import type { Uuid } from "../model/ids.js";

/** A command that a device is known to have given, and what it came to. */
export interface KnownCommand {
  readonly id: Uuid;
  readonly offset: number;
  readonly answer: Answer;
}

/**
 * What a partition remembers of one device's commands: those since the checkpoint, and of the ones before it as many
 * as the device may have unacknowledged. That is enough to know every command that the device may still repeat. [R2 b]
 * Where a flush lands whole, the last ones alone are enough: a replay begins with exactly what was known then.
 */
export class DeviceState {
  private readonly byId = new Map<Uuid, KnownCommand>();
  /** Oldest first; those before `first` are forgotten. */
  private order: KnownCommand[] = [];
  private first = 0;

  constructor(
    private readonly window: number,
    known: readonly KnownCommand[] = [],
  ) {
    for (const command of known) this.add(command);
  }

  /** The command's answer, if it was given at an **earlier** offset: the record in hand doesn't know itself. [R2 b] */
  answerBefore(id: Uuid, offset: number): Answer | null {
    const known = this.byId.get(id);
    return known !== undefined && known.offset < offset ? known.answer : null;
  }

  /** What the record at exactly this offset came to, where it is remembered. */
  answerAt(id: Uuid, offset: number): Answer | null {
    const known = this.byId.get(id);
    return known !== undefined && known.offset === offset ? known.answer : null;
  }

  /** Remembers a command unless it is known already. Of those up to `settled` the last window is kept. */
  remember(command: KnownCommand, settled: number): void {
    if (this.byId.has(command.id)) return;
    this.add(command);
    // More than a window of them are settled once the one a window further on is.
    while ((this.order[this.first + this.window]?.offset ?? Number.POSITIVE_INFINITY) <= settled) this.forgetOldest();
  }

  private add(command: KnownCommand): void {
    this.byId.set(command.id, command);
    this.order.push(command);
  }

  private forgetOldest(): void {
    this.byId.delete((this.order[this.first] as KnownCommand).id);
    this.first++;
    if (this.first > 256) {
      this.order = this.order.slice(this.first);
      this.first = 0;
    }
  }

  /**
   * What is to be stored with a flush up to `offset`, oldest first. `lastOnly` where the whole flush lands at once:
   * a replay then begins behind all of it, and no more than the window can be asked for.
   */
  snapshot(offset: number, lastOnly: boolean): KnownCommand[] {
    const known = this.order.slice(this.first).filter((command) => command.offset <= offset);
    return lastOnly ? known.slice(-this.window) : known;
  }
}
