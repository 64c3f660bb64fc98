import { type Config, UNDELIVERED_MS } from "../config.js";
import { Mailboxes } from "../delivery/mailboxes.js";
import { ChatError } from "../errors.js";
import type { Counts } from "../log/counts.js";
import { DeadLetters } from "../log/dead-letters.js";
import { Flusher, type FlushPlan, type FlushStep, type Writing } from "../log/flusher.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Lease, Offset, QueueRecord } from "../ports/queue.js";
import type { Versioned } from "../ports/storage.js";
import { entryValue } from "../ports/stored.js";
import { type DeliveryRecord, decodeDelivery, decodeProgress, encodeProgress } from "./delivery-record.js";
import type { Acknowledged, Admission, Extent, Push, Question } from "./node-message.js";
import { SecondLook } from "./second-look.js";
import { DELIVERIES } from "./topics.js";

const FLUSH_BYTES = 16 * 1024 * 1024;
/** Mailboxes whose devices are kept in memory, so that an acknowledgement costs no read. */
const KNOWN = 100_000;

export interface DeliveryOwnerOptions {
  readonly config: Config;
  readonly partition: number;
  readonly lease: Lease;
  readonly checkpoint: Versioned | null;
  /** Records before this may have been lost. */
  readonly completeAfter: Offset;
  /** The last record that is in the log now; 0 where there is none. */
  readonly logHead: () => Promise<Offset>;
  /** Sends entries to where their recipients are connected. Never rejects. */
  readonly route: (pushes: readonly Push[]) => Promise<void>;
  /** Tells users' devices, where they are connected, that there is more than they have acknowledged. */
  readonly look: (heads: readonly (readonly [UserId, Offset])[]) => Promise<readonly UserId[]>;
  /** Everything up to here is in storage. */
  readonly landed: (upTo: Offset) => void;
  readonly counts: Counts;
  readonly failed: (error: unknown) => void;
}

interface Waiter {
  readonly upTo: Offset;
  readonly resolve: () => void;
}

/** The owner of a partition of deliveries, and so of the mailboxes of the users whose partition it is. */
export class DeliveryOwner {
  /** Records were lost before this ownership: devices have to be told. */
  readonly beganAnew: boolean;
  /** Devices whose position lies before this may have lost something. */
  readonly since: Offset;
  applied: Offset;
  readonly mailboxes: Mailboxes;
  private readonly done: Map<number, Offset>;
  private readonly flusher: Flusher;
  private readonly aside: DeadLetters;
  private readonly secondLook: SecondLook;
  private waiters: Waiter[] = [];
  /** Wait until records are applied. */
  private followers: Waiter[] = [];
  /** The look at the log's head that is about to be taken. */
  private asking: Promise<Offset> | null = null;

  constructor(private readonly options: DeliveryOwnerOptions) {
    const { config, checkpoint, completeAfter, lease, failed } = options;
    const { storage, queue, now, probe, flushMs } = config;
    const from = checkpoint?.offset ?? 0;
    const progress = decodeProgress(checkpoint?.value ?? new Uint8Array(0));
    const lost = completeAfter > from;
    this.beganAnew = lost;
    this.applied = lost ? completeAfter : from;
    this.done = new Map(progress.done);
    this.since = lost ? completeAfter : progress.since;
    const changed = (): void => this.flusher.touch();
    this.mailboxes = new Mailboxes({ storage, now, keepMs: UNDELIVERED_MS, changed, idle: KNOWN }, from);
    this.aside = new DeadLetters(queue, DELIVERIES, options.partition);
    this.flusher = new Flusher({
      storage,
      lease,
      flushMs,
      flushBytes: FLUSH_BYTES,
      waiting: () => this.mailboxes.pending.bytes + this.aside.bytes,
      plan: () => this.plan(),
      landed: (upTo) => this.landed(upTo),
      failed,
      probe,
    });
    if (lost) {
      this.mailboxes.release(completeAfter);
      this.flusher.touch(true);
    }
    this.secondLook = new SecondLook((user) => this.mailboxes.hasAll(user), options.look, failed);
  }

  get checkpoint(): Offset {
    return this.mailboxes.flushed;
  }

  /** How far its writing is behind. */
  get writing(): Writing {
    return this.flusher;
  }

  /** The next records. Rejects where this owner can't go on. */
  async accept(records: readonly QueueRecord[]): Promise<void> {
    if (this.flusher.stopped) throw new ChatError("closed", "The partition's owner has stopped.");
    const deliveries = this.decode(records);
    await this.mailboxes.know(sendersOf(deliveries));
    if (!this.options.lease.valid()) throw new ChatError("closed", "The partition belongs to another owner.");
    const pushes = deliveries.map(({ at, record }) => this.append(at, record));
    this.applied = records.at(-1)?.offset ?? this.applied;
    this.mailboxes.release(Math.max(this.applied, this.mailboxes.released));
    this.flusher.touch(this.waiters.length > 0);
    this.followers = served(this.followers, this.applied);
    await this.options.route(pushes);
    await this.flusher.room();
  }

  /** Those that weren't done before. A command's deliveries come again where its owner began again. [R2] */
  private decode(records: readonly QueueRecord[]): { at: Offset; record: DeliveryRecord }[] {
    const { counts, failed } = this.options;
    const found: { at: Offset; record: DeliveryRecord }[] = [];
    counts.records += records.length;
    for (const { offset, value } of records) {
      try {
        const record = decodeDelivery(value);
        if (offset <= this.applied || record.offset <= (this.done.get(record.source) ?? 0)) {
          counts.redelivered++;
          continue;
        }
        this.done.set(record.source, record.offset);
        found.push({ at: offset, record });
      } catch (error) {
        this.aside.add(offset, value, "undecodable", error);
        counts.dead.undecodable++;
        failed(error);
      }
    }
    return found;
  }

  private append(position: Offset, { entry, recipients }: DeliveryRecord): Push {
    const targets: [UserId, Offset | null][] = [];
    this.mailboxes.append(position, entry, recipients, (user, previous) => {
      targets.push([user, previous]);
      this.secondLook.note(user, position);
    });
    return { position, value: entryValue(entry), targets };
  }

  private plan(): FlushPlan {
    const { partition, config } = this.options;
    const upTo = this.applied;
    const value = encodeProgress({ done: this.done, since: this.since });
    const checkpoint = { kind: "checkpoint", topic: DELIVERIES, partition, offset: upTo, value } as const;
    const moved = upTo > this.checkpoint ? [checkpoint] : [];
    const before = () => this.aside.accepted();
    return {
      upTo,
      steps: () => {
        const rows = this.mailboxes.collect(upTo);
        const steps: FlushStep[] = config.storage.atomic
          ? [{ name: "flush.checkpoint", writes: [...rows, ...moved], before }]
          : [
              { name: "flush.rows", writes: rows },
              { name: "flush.checkpoint", writes: moved, before },
            ];
        return steps.filter(({ writes }) => writes.length > 0);
      },
    };
  }

  private landed(upTo: Offset): void {
    this.mailboxes.landed(upTo);
    this.options.landed(upTo);
    this.waiters = served(this.waiters, upTo);
  }

  // ── what gateways ask ────────────────────────────────────────────────────────────────────────────────────────────

  answer(question: Question): Promise<unknown> | undefined {
    switch (question.about) {
      case "attach":
        return this.attach(question);
      case "positions":
        return this.acknowledge(question.positions);
      case "extents":
        return this.extents(question.users);
      case "flushed":
        return this.flushed(question.upTo);
      case "removal":
        return this.mailboxes.know([question.user]).then(() => this.remove(question.user, question.device));
      default:
        return undefined;
    }
  }

  private async attach({ user, device, info, position }: Extract<Question, { about: "attach" }>): Promise<Admission> {
    await this.caughtUp();
    const { gap, after } = await this.mailboxes.admit(user, device, info, position ?? undefined, this.since);
    return { gap, after, head: this.mailboxes.extent(user) };
  }

  private async acknowledge(positions: readonly Acknowledged[]): Promise<true> {
    await this.caughtUp();
    await this.mailboxes.know(new Set(positions.map(([user]) => user)));
    for (const [user, device, position, seen_at] of positions) {
      if (position > 0) this.mailboxes.acknowledge(user, device, position);
      else this.mailboxes.seen(user, device, seen_at);
    }
    return true;
  }

  private async extents(users: readonly UserId[]): Promise<readonly Extent[]> {
    await this.caughtUp();
    return users.map((user) => ({ head: this.mailboxes.extent(user), since: this.since }));
  }

  private async flushed(upTo: Offset): Promise<Offset> {
    if (this.mailboxes.flushed < upTo) {
      await new Promise<void>((resolve) => {
        this.waiters.push({ upTo, resolve });
        this.flusher.touch(true);
      });
    }
    return this.mailboxes.flushed;
  }

  private async remove(user: UserId, device: Uuid): Promise<true> {
    this.mailboxes.removeDevice(user, device);
    if (!(await this.flusher.flush())) throw new ChatError("closed", "The partition belongs to another owner.");
    return true;
  }

  /** Resolves when the records are applied that were in the log when it was asked. */
  private async caughtUp(): Promise<void> {
    this.asking ??= new Promise<Offset>((resolve, reject) => {
      // Everyone who asks in this turn of the loop shares the look at the log.
      setImmediate(() => {
        this.asking = null;
        this.options.logHead().then(resolve, reject);
      });
    });
    const head = await this.asking;
    if (this.applied < head) await new Promise<void>((resolve) => this.followers.push({ upTo: head, resolve }));
  }

  /** Writes who was seen and who wasn't, before storage drops what has expired. */
  async expire(
    connected: (users: readonly UserId[]) => Promise<ReadonlyMap<UserId, ReadonlySet<Uuid>>>,
  ): Promise<void> {
    this.mailboxes.expire(await connected(this.mailboxes.unseen()));
    await this.flusher.flush();
  }

  async stop(deadline: number): Promise<void> {
    this.secondLook.stop();
    await this.flusher.stop(deadline);
  }
}

/** Resolves those who waited for no more than this; answers the others. */
function served(waiters: readonly Waiter[], upTo: Offset): Waiter[] {
  for (const waiter of waiters) if (waiter.upTo <= upTo) waiter.resolve();
  return waiters.filter((waiter) => waiter.upTo > upTo);
}

/** Users whose own devices are among the recipients: where there is only the one that sent, it needs no copy. */
function sendersOf(deliveries: readonly { record: DeliveryRecord }[]): Set<UserId> {
  const senders = new Set<UserId>();
  for (const { record } of deliveries)
    if (record.recipients.includes(record.entry.sender)) senders.add(record.entry.sender);
  return senders;
}
