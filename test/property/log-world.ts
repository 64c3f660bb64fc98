import { isDeepStrictEqual } from "node:util";
import type { Outcome } from "../../src/messages/partition.js";
import type { UserId, Uuid } from "../../src/model/ids.js";
import type { Entry } from "../../src/model/message.js";
import type { Offset, QueueRecord } from "../../src/ports/index.js";
import { Cells } from "./log-cells.js";
import { Device, type Wish } from "./log-device.js";
import { Ideal } from "./log-ideal.js";
import type { Unit } from "./log-port.js";
import { overwrites, type Rule } from "./log-rules.js";
import { Tenure } from "./log-tenure.js";
import { Violation } from "./log-violation.js";

export interface WorldOptions {
  /** Whether storage lands a call whole. */
  readonly atomic: boolean;
  /** Whether the queue keeps what it accepted, so that answers needn't wait for storage. */
  readonly durableQueue: boolean;
  /** Commands that a device may have unacknowledged. */
  readonly window: number;
  /** States that an owner holds beyond those it can't let go. */
  readonly cached: number;
  /** Bytes of rows after which an owner flushes at once. */
  readonly flushBytes: number;
  /** The devices, by the names of their users. */
  readonly users: readonly UserId[];
  /** Commands that a device gives at most. */
  readonly commands: number;
  readonly off: Rule | null;
}

export const MAX_MEMBERS = 3;

/** Users, their devices, a log, its owners, and storage: all that a schedule moves, and nothing that moves by itself. */
export class World {
  readonly devices: readonly Device[];
  readonly cells: Cells;
  /** Issued, and waited for by nobody any more: lands late or never. */
  readonly strays: Unit[] = [];
  /** The owner whose lease runs, if any. */
  owner: Tenure | null = null;
  /** Owners that have lost their lease and don't know yet. */
  readonly former: Tenure[] = [];
  readonly log: QueueRecord[] = [];
  private readonly ideal = new Ideal(MAX_MEMBERS);
  private readonly faults: string[] = [];

  constructor(private readonly options: WorldOptions) {
    const { users, window, commands, off } = options;
    this.cells = new Cells(overwrites(off));
    this.devices = users.map((user, at) => new Device(user, String(at), window, commands));
  }

  /** A device publishes its next command. */
  publish(device: Device, timestamp: number, wish: () => Wish): void {
    const command = device.publish(timestamp, wish);
    // Not contiguous, as the queue's contract has it.
    const offset = this.head + 10;
    this.log.push({ key: command.conversation, value: NOTHING, offset, decoded: command });
    this.ideal.append({ offset, command });
  }

  /** Something is in the log that is no command: it is set aside, and changes nothing. [R5] */
  publishRubbish(): void {
    this.log.push({ key: "rubbish", value: NOTHING, offset: this.head + 10 });
  }

  /** The offset of the log's last record. */
  get head(): Offset {
    return this.log.at(-1)?.offset ?? 0;
  }

  /** Whether somebody has given a command to a conversation. */
  begun(conversation: Uuid): boolean {
    return this.log.some(({ key }) => key === conversation);
  }

  /** A new owner begins, where none has a lease: at its checkpoint, or is handed all of the log once more. */
  begin(fromBeginning = false): Tenure {
    if (this.owner !== null) throw new Error("there is an owner");
    const { options } = this;
    const tenure = new Tenure({
      ...options,
      maxMembers: MAX_MEMBERS,
      fromBeginning,
      cells: this.cells,
      stray: (units) => this.strays.push(...units),
      placed: (...placed) => this.checkPlaced(...placed),
      answered: (outcome) => this.answered(outcome),
      setAside: (offset, error) => this.checkSetAside(offset, error),
    });
    this.owner = tenure;
    return tenure;
  }

  /** The owner's lease runs out; it goes on until it looks. */
  expire(): void {
    if (this.owner === null) return;
    this.owner.leased = this.options.off === "c.alone";
    this.former.push(this.owner);
    this.owner = null;
  }

  /** An owner is no more. */
  crash(tenure: Tenure): void {
    tenure.leased = false;
    tenure.over = true;
    tenure.port.abandon();
    if (this.owner === tenure) this.owner = null;
    else if (this.former.includes(tenure)) this.former.splice(this.former.indexOf(tenure), 1);
  }

  /** Gives an owner the next records, at most so many. */
  feed(tenure: Tenure, most: number): void {
    const from = this.log.findIndex(({ offset }) => offset > tenure.fed);
    if (from >= 0) tenure.feed(this.log.slice(from, from + most));
  }

  canFeed(tenure: Tenure): boolean {
    return !tenure.busy && tenure.fed < this.head;
  }

  /** What nobody waits for lands after all. */
  landStray(at: number): void {
    this.cells.land(this.strays.splice(at, 1)[0] ?? []);
  }

  /** Lets everything that was set off run, and clears away owners that gave up. Throws where something went wrong. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (const tenure of [this.owner, ...this.former]) if (tenure?.over) this.crash(tenure);
    this.check();
  }

  check(): void {
    if (this.faults.length > 0) throw new Violation(this.faults[0]);
  }

  /** Compares what storage shows with what the ideal run would have left. */
  checkRows(): void {
    const [found, wanted] = [this.cells.visible(), this.ideal.cells.visible()];
    for (const name of new Set([...wanted.keys(), ...found.keys()])) {
      if (found.get(name) !== wanted.get(name)) {
        throw new Violation(`${name}: ${show(found.get(name))} instead of ${show(wanted.get(name))}`);
      }
    }
  }

  private checkPlaced(offset: Offset, entry: Entry, recipients: ReadonlySet<UserId>): void {
    const wanted = this.ideal.verdict(offset);
    if (!isDeepStrictEqual(wanted.entry, entry)) {
      this.faults.push(`the record at ${offset} made ${show(entry)} instead of ${show(wanted.entry)}`);
    } else if (!isDeepStrictEqual(wanted.recipients, recipients)) {
      this.faults.push(`the record at ${offset} goes to ${[...recipients]} instead of ${[...wanted.recipients]}`);
    }
  }

  private checkSetAside(offset: Offset, error: unknown): void {
    const rubbish = this.log.some((record) => record.offset === offset && record.decoded === undefined);
    if (!rubbish) this.faults.push(`the record at ${offset} is set aside: ${error}`);
  }

  private answered({ command, offset, answer }: Outcome): void {
    const device = this.devices.find(({ id }) => id === command.device);
    if (device === undefined) throw new Error(`there is no device ${command.device}`);
    const wanted = this.ideal.verdict(offset).answer;
    if (answer === null) {
      if (device.waitsFor(command.id)) this.faults.push(`no answer to ${command.id} at ${offset}, which is waited for`);
    } else if (!isDeepStrictEqual(wanted, answer)) {
      this.faults.push(`${command.id} at ${offset} is answered ${show(answer)} instead of ${show(wanted)}`);
    } else if (!this.options.durableQueue && (this.cells.checkpoint()?.offset ?? 0) < offset) {
      this.faults.push(`${command.id} at ${offset} is answered before it is stored`);
    } else {
      device.answer(command, answer);
    }
  }
}

const NOTHING = new Uint8Array();

function show(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (inner instanceof Uint8Array ? Buffer.from(inner).toString() : inner));
}
