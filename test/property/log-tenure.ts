import { Mailboxes } from "../../src/delivery/mailboxes.js";
import { Counts } from "../../src/log/counts.js";
import { DeadLetters } from "../../src/log/dead-letters.js";
import { History } from "../../src/messages/history.js";
import type { Outlets, Owner } from "../../src/messages/owner.js";
import type { Outcome } from "../../src/messages/partition.js";
import type { UserId } from "../../src/model/ids.js";
import type { Entry } from "../../src/model/message.js";
import type { Offset, QueueRecord } from "../../src/ports/index.js";
import { type PortOptions, StoragePort } from "./log-port.js";
import { ownerWithout, partitionWithout } from "./log-rules.js";

export interface TenureOptions extends PortOptions {
  readonly durableQueue: boolean;
  readonly window: number;
  readonly maxMembers: number;
  readonly cached: number;
  readonly flushBytes: number;
  /** The queue hands out records from before the checkpoint once more. */
  readonly fromBeginning: boolean;
  readonly placed: (offset: Offset, entry: Entry, recipients: ReadonlySet<UserId>) => void;
  readonly answered: (outcome: Outcome) => void;
  readonly setAside: (offset: Offset, error: unknown) => void;
}

/** One ownership of the log: the server's own parts, put together as its engine does, over the model's storage. */
export class Tenure {
  readonly port: StoragePort;
  /** Whether the lease still runs. */
  leased = true;
  /** Whether it is at a batch. */
  busy = false;
  /** It gave the partition up. */
  over = false;
  /** The last record it was given. */
  fed: Offset;
  private readonly owner: Owner;

  constructor(options: TenureOptions) {
    const { atomic, window, maxMembers, cached, durableQueue, flushBytes, off } = options;
    const port = new StoragePort(options);
    this.port = port;
    const checkpoint = options.cells.checkpoint()?.offset ?? 0;
    this.fed = options.fromBeginning ? 0 : checkpoint;
    const now = () => 0;
    const changed = () => this.owner.touch();
    const mailboxes = new Mailboxes({ storage: port, now, keepMs: 1, changed }, checkpoint);
    const history = new History({ storage: port, now, keepMs: null, released: () => mailboxes.released });
    const number = 0;
    const counts = new Counts();
    const partition = partitionWithout(
      off,
      { partition: number, window, maxMembers, atomic, cached, counts },
      checkpoint,
    );
    const outlets: Outlets = {
      append(offset, entry, recipients) {
        const users = new Set(recipients);
        mailboxes.append(offset, entry, users);
        history.add(entry, offset);
        options.placed(offset, entry, users);
      },
      release: (upTo) => mailboxes.release(upTo),
      answer: options.answered,
      turn: () => {},
      deadLetter: options.setAside,
      failed: () => {},
    };
    this.owner = ownerWithout(off, partition, () => this.leased, {
      storage: port,
      topic: "commands",
      number,
      durableQueue,
      flushMs: 1,
      flushBytes,
      waiting: () => mailboxes.pending.bytes + history.bytes,
      parts: [mailboxes, history],
      aside: new DeadLetters({ publish: async () => {} }, "commands", number),
      counts,
      outlets,
      probe: () => {},
    });
  }

  get applied(): Offset {
    return this.owner.applied;
  }

  get checkpoint(): Offset {
    return this.owner.checkpoint;
  }

  /** Gives it the next records. What it can't take in ends it. */
  feed(records: readonly QueueRecord[]): void {
    this.fed = records.at(-1)?.offset ?? this.fed;
    const done = this.owner.accept(records);
    if (done === undefined) return;
    this.busy = true;
    done.then(
      () => {
        this.busy = false;
      },
      () => {
        this.over = true;
      },
    );
  }
}
