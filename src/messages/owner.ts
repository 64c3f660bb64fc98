import { ChatError } from "../errors.js";
import type { Counts } from "../log/counts.js";
import type { DeadLetters, DeadReason } from "../log/dead-letters.js";
import { Flusher, type FlushPlan, type Writing } from "../log/flusher.js";
import type { Probe } from "../log/probe.js";
import { pause, RETRY_MS } from "../log/retry.js";
import type { Command } from "../model/command.js";
import type { ConversationState } from "../model/conversation.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Entry } from "../model/message.js";
import type { FlushPart } from "../ports/flush-part.js";
import type { Lease, Offset, QueueRecord } from "../ports/queue.js";
import type { Storage } from "../ports/storage.js";
import { conversationFrom } from "../ports/stored.js";
import { CommandEncoder, decodeCommand } from "./command-codec.js";
import { planFlush } from "./flush-plan.js";
import { LoggedCommand, type Outcome, type Partition } from "./partition.js";

/** Where a partition's entries and answers go. */
export interface Outlets {
  /** Takes a new entry in; shown to nobody before it is released. */
  append(offset: Offset, entry: Entry, recipients: Iterable<UserId>): void;
  /** Everything appended up to here is durable and may be shown. */
  release(upTo: Offset): void;
  /** Answers a command, whose entry has been released. */
  answer(outcome: Outcome): void;
  /** The end of a run of answers and releases: what they produced may be sent. */
  turn(): void;
  /** A record can't be applied for its own sake: it was set aside. [R5] */
  deadLetter(offset: Offset, error: unknown): void;
  /** Something failed that will be tried again. */
  failed(error: unknown): void;
}

export interface OwnerOptions {
  readonly storage: Storage;
  readonly topic: string;
  readonly number: number;
  /** Whether the queue itself keeps what it accepted: acknowledgements needn't wait for storage then. [R1] */
  readonly durableQueue: boolean;
  /** How long rows may wait for company, in milliseconds. */
  readonly flushMs: number;
  /** Bytes of rows in memory beyond which a flush begins at once; at four times as many the log isn't read on. */
  readonly flushBytes: number;
  /** About how many bytes of rows wait in memory to be written. */
  readonly waiting: () => number;
  readonly parts: readonly FlushPart[];
  /** Resolves when what entries up to here lead to in other logs is accepted there. */
  readonly deliver?: (upTo: Offset) => Promise<void>;
  /** Takes the records that can't be applied. */
  readonly aside: DeadLetters;
  readonly counts: Counts;
  readonly outlets: Outlets;
  readonly probe: Probe;
}

/**
 * The owner of one partition of commands: applies its records in order, answers and releases what is durable, and
 * writes rows behind. Loses everything it holds, and nothing that was acknowledged, when it stops.
 */
export class Owner {
  private outcomes: Outcome[] = [];
  private readonly flusher: Flusher;

  constructor(
    private readonly partition: Partition,
    private readonly lease: Lease,
    private readonly options: OwnerOptions,
  ) {
    const { storage, flushMs, flushBytes, waiting, aside, probe, outlets } = options;
    this.flusher = new Flusher({
      storage,
      lease,
      flushMs,
      flushBytes,
      waiting: () => waiting() + aside.bytes,
      probe,
      failed: outlets.failed,
      plan: () => this.plan(),
      landed: (upTo) => this.landed(upTo),
    });
  }

  get applied(): Offset {
    return this.partition.applied;
  }

  get checkpoint(): Offset {
    return this.partition.checkpoint;
  }

  /** How far its writing is behind. */
  get writing(): Writing {
    return this.flusher;
  }

  /**
   * The next records. Returns a promise only where something has to be waited for. Throws or rejects where this owner
   * can't go on: the partition is to be handed out again.
   */
  accept(records: readonly QueueRecord[]): void | Promise<void> {
    if (this.flusher.stopped) throw new ChatError("closed", "The partition's owner has stopped.");
    const commands = this.decode(records);
    const upTo = records.at(-1)?.offset ?? this.partition.applied;
    this.options.probe("command.durable");
    if (this.partition.missing(commands) !== null) return this.loadAndApply(commands, upTo);
    this.apply(commands, upTo);
    return this.flusher.room();
  }

  private decode(records: readonly QueueRecord[]): LoggedCommand[] {
    const commands: LoggedCommand[] = [];
    const { counts } = this.options;
    counts.records += records.length;
    for (const record of records) {
      // What was replayed from before the checkpoint is in storage.
      if (record.offset <= this.partition.applied) {
        counts.redelivered++;
        continue;
      }
      try {
        const command = (record.decoded as Command | undefined) ?? decodeCommand(record.value);
        commands.push(new LoggedCommand(record.offset, command));
      } catch (error) {
        this.setAside(record.offset, record.value, "undecodable", error);
      }
    }
    return commands;
  }

  private async loadAndApply(commands: readonly LoggedCommand[], upTo: Offset): Promise<void> {
    const { storage } = this.options;
    for (let missing = this.partition.missing(commands); missing !== null; missing = this.partition.missing(commands)) {
      const { conversations, devices } = missing;
      const states = await this.read(() => storage.conversations(conversations));
      const known = await this.read(() => storage.deviceStates(devices));
      if (!this.partition.load(missing, states, known)) {
        throw new ChatError("closed", "An old owner's flush landed late: the log is taken up again behind it.");
      }
    }
    this.apply(commands, upTo);
    await this.flusher.room();
  }

  /** Reads from storage, however long it is away [R5]. Throws where the lease was lost meanwhile. [R2 c] */
  private async read<T>(ask: () => Promise<T>): Promise<T> {
    for (let wait = RETRY_MS.first; ; wait = Math.min(wait * 2, RETRY_MS.most)) {
      try {
        const answer = await ask();
        this.checkLease();
        return answer;
      } catch (error) {
        this.checkLease();
        this.options.outlets.failed(error);
        await pause(wait);
      }
    }
  }

  private checkLease(): void {
    if (this.flusher.stopped || !this.lease.valid())
      throw new ChatError("closed", "The partition belongs to another owner.");
  }

  private apply(commands: readonly LoggedCommand[], upTo: Offset): void {
    const { outlets, durableQueue, probe } = this.options;
    for (const record of commands) {
      const outcome = this.applyOne(record);
      if (outcome === null) continue;
      try {
        if (outcome.placed !== null) outlets.append(outcome.offset, outcome.placed.entry, outcome.placed.recipients);
      } catch (error) {
        // What is held counts the record as done: it must not reach storage. The next owner takes the log up again.
        this.flusher.giveUp(error);
        throw error;
      }
      this.outcomes.push(outcome);
    }
    this.partition.passed(upTo);
    probe("command.applied");
    if (durableQueue) this.releaseUpTo(this.partition.applied);
    // What is to be acknowledged has to land first where the queue may forget it. [R1]
    this.flusher.touch(!durableQueue);
  }

  /** What a record comes to; null for one that is set aside. [R5] */
  private applyOne(record: LoggedCommand): Outcome | null {
    try {
      return this.partition.apply(record);
    } catch (error) {
      const value = new CommandEncoder().encode(record.command);
      this.setAside(record.offset, value, "inapplicable", error);
      return null;
    }
  }

  /** Trying again would come out the same: the state machine looks at nothing but the log. */
  private setAside(offset: Offset, value: Uint8Array, reason: DeadReason, error: unknown): void {
    const { aside, counts, outlets } = this.options;
    aside.add(offset, value, reason, error);
    counts.dead[reason]++;
    outlets.deadLetter(offset, error);
  }

  /** Shows and answers what is durable. [R1] */
  private releaseUpTo(upTo: Offset): void {
    const { outlets, probe } = this.options;
    outlets.release(upTo);
    probe("command.released");
    let count = 0;
    for (const outcome of this.outcomes) {
      if (outcome.offset > upTo) break;
      this.answer(outcome);
      count++;
    }
    this.outcomes = count === this.outcomes.length ? [] : this.outcomes.slice(count);
    probe("command.answered");
    outlets.turn();
  }

  /** Whom an answer can't be given to will ask again: it stops nobody else's. */
  private answer(outcome: Outcome): void {
    try {
      this.options.outlets.answer(outcome);
    } catch (error) {
      this.options.outlets.failed(error);
    }
  }

  /** There is something to flush. */
  touch(): void {
    this.flusher.touch();
  }

  /** Writes everything up to the last record applied. Answers whether it has landed. */
  flush(): Promise<boolean> {
    return this.flusher.flush();
  }

  private plan(): FlushPlan {
    const { storage, topic, number, parts, deliver, aside } = this.options;
    const rows = (upTo: Offset) => parts.flatMap((part) => part.collect(upTo));
    const before = aside.some ? (upTo: Offset) => aside.accepted().then(() => deliver?.(upTo)) : deliver;
    return planFlush(this.partition, rows, { topic, partition: number, atomic: storage.atomic }, before);
  }

  private landed(upTo: Offset): void {
    const { parts, probe, durableQueue } = this.options;
    this.partition.landed(upTo);
    for (const part of parts) part.landed(upTo);
    probe("flush.landed");
    if (!durableQueue) this.releaseUpTo(upTo);
  }

  membershipUnwritten(user: UserId): boolean {
    return this.partition.membershipUnwritten(user);
  }

  /** A conversation as of the last record: what is held, else what is stored. */
  async conversation(id: Uuid): Promise<ConversationState | null> {
    const held = this.partition.conversation(id);
    if (held !== undefined) return held;
    const [row] = await this.options.storage.conversations([id]);
    return this.partition.conversation(id) ?? (row ? conversationFrom(row.value, row.offset) : null);
  }

  /** A conversation, where it is held; undefined where storage would have to be asked. */
  heldConversation(id: Uuid): ConversationState | null | undefined {
    return this.partition.conversation(id);
  }

  /** Flushes what can be flushed within the deadline, in milliseconds, and lets everything go. Idempotent. */
  stop(deadline: number): Promise<void> {
    return this.flusher.stop(deadline);
  }
}
