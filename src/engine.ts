import type { Backend, BackendEvents, BackendStats, EndOfEntry, OwnedPartition } from "./backend.js";
import { NodeLink } from "./cluster/node-link.js";
import { type Config, UNDELIVERED_MS } from "./config.js";
import { Mailboxes } from "./delivery/mailboxes.js";
import { Sweep } from "./delivery/sweep.js";
import { ChatError } from "./errors.js";
import type { Conversations } from "./gateway/services.js";
import { Counts } from "./log/counts.js";
import { DeadLetters } from "./log/dead-letters.js";
import { History } from "./messages/history.js";
import { type Outlets, Owner } from "./messages/owner.js";
import { Partition } from "./messages/partition.js";
import type { UserId, Uuid } from "./model/ids.js";
import type { ConnectionEntry, NodeHandlers, NodeSession } from "./ports/connection-registry.js";
import type { Consumer, Consumption, Lease, Offset, QueueRecord } from "./ports/queue.js";
import { Receipts } from "./receipts/receipts.js";

export const COMMANDS = "commands";
const GROUP = "messages";
/**
 * Far above what comes in before its receivers have acknowledged it: what they have acknowledged is never written, so
 * flushing sooner would write rows only to delete them.
 */
const FLUSH_BYTES = 32 * 1024 * 1024;
const CACHED = 100_000;
const STOP_MS = 15_000;

/** All that belongs to one ownership of the log. */
interface Owned {
  readonly owner: Owner;
  readonly mailboxes: Mailboxes;
  readonly receipts: Receipts;
  readonly history: History;
  readonly sweep: Sweep;
}

/**
 * The messages and delivery roles over a queue inside the process: one partition, whose entries pass straight into
 * the mailboxes under their command's offset. [R3]
 */
export class Engine implements Backend, Consumer {
  readonly handlers: NodeHandlers;
  private readonly link: NodeLink;
  private readonly counts = new Counts();
  private tenure: Owned | null = null;
  private consumption: Consumption | null = null;
  private readonly waiters = new Set<{ readonly upTo: Offset; readonly resolve: () => void }>();

  constructor(
    private readonly config: Config,
    node: string,
    private readonly events: BackendEvents,
  ) {
    // No other node has a part in the log, but one may take over a connection.
    this.link = new NodeLink(node, {
      received: (message) => {
        if (message.kind === "replaced" || message.kind === "disconnected") events.end(message.entry, message.kind);
      },
      published: () => {},
      lost: () => {},
      failed: events.failed,
    });
    this.handlers = this.link.handlers;
  }

  /** Takes the log up where it was left. Resolves when everything accepted before has been applied. */
  async start(session: NodeSession): Promise<void> {
    this.link.joined(session);
    const { queue } = this.config;
    this.consumption = await queue.consume(COMMANDS, GROUP, this);
    const head = await queue.head(COMMANDS, 0);
    await new Promise<void>((resolve) => {
      this.waiters.add({ upTo: head ?? 0, resolve });
      this.wake();
    });
  }

  async stop(): Promise<void> {
    await this.tenure?.owner.stop(STOP_MS);
    await this.consumption?.stop();
  }

  end(entry: ConnectionEntry, why: EndOfEntry): void {
    this.link.tell(entry.server_id, { kind: why, entry });
  }

  async removeDevice(user: UserId, device: Uuid): Promise<void> {
    const { mailboxes, owner } = this.current();
    mailboxes.removeDevice(user, device);
    if (!(await owner.flush())) throw new ChatError("store_unavailable", "The log lost its owner meanwhile.");
  }

  stats(): BackendStats {
    const { tenure: owned } = this;
    return {
      mailboxes: owned?.mailboxes.size ?? 0,
      pending_entries: owned?.mailboxes.pending.entries ?? 0,
      pending_bytes: owned?.mailboxes.pending.bytes ?? 0,
      applied: owned?.owner.applied ?? 0,
      checkpoint: owned?.owner.checkpoint ?? 0,
      dead_letters: this.counts.deadLetters,
    };
  }

  counted(): ReadonlyMap<string, Counts> {
    return new Map([[COMMANDS, this.counts]]);
  }

  owned(): OwnedPartition[] {
    const owner = this.tenure?.owner;
    if (owner === undefined) return [];
    return [{ topic: COMMANDS, partition: 0, applied: owner.applied, writing: owner.writing }];
  }

  get mailboxes(): Mailboxes {
    return this.current().mailboxes;
  }

  get receipts(): Receipts {
    return this.current().receipts;
  }

  get history(): History {
    return this.current().history;
  }

  readonly conversations: Conversations = {
    held: (id) => this.current().owner.heldConversation(id),
    load: (id) => this.current().owner.conversation(id),
    of: async (user, after, limit) => {
      const { owner } = this.current();
      if (owner.membershipUnwritten(user)) await owner.flush();
      return this.config.storage.conversationsOf(user, after, limit);
    },
  };

  private current(): Owned {
    if (this.tenure === null) throw new ChatError("store_unavailable", "The log has no owner just now.");
    return this.tenure;
  }

  // ── Consumer ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async assigned(number: number, lease: Lease): Promise<Offset | null> {
    const checkpoint = (await this.config.storage.checkpoint(COMMANDS, number))?.offset ?? null;
    this.tenure = this.own(number, lease, checkpoint ?? 0);
    this.tenure.sweep.start();
    this.wake();
    return checkpoint;
  }

  batch(_number: number, records: readonly QueueRecord[]): void | Promise<void> {
    const done = this.current().owner.accept(records);
    if (done === undefined) this.wake();
    return done?.then(() => this.wake());
  }

  async revoked(): Promise<void> {
    const { tenure: owned } = this;
    if (owned === null) return;
    const swept = owned.sweep.stop();
    await owned.owner.stop(STOP_MS);
    await swept;
    owned.receipts.close();
    this.tenure = null;
    this.events.lost("everything");
  }

  /** The log needn't keep what is in storage. Should it not hear of it, the next time says it again. */
  private commit(number: number, upTo: Offset): void {
    this.consumption?.commit(number, upTo).catch((error: unknown) => this.events.failed(error));
  }

  private wake(): void {
    if (this.tenure === null) return;
    for (const waiter of this.waiters) {
      if (waiter.upTo > this.tenure.owner.applied) continue;
      this.waiters.delete(waiter);
      waiter.resolve();
    }
  }

  private own(number: number, lease: Lease, checkpoint: Offset): Owned {
    const { config, events } = this;
    const { storage, queue, limits, now } = config;
    const changed = (): void => owner.touch();
    const mailboxes = new Mailboxes({ storage, now, keepMs: UNDELIVERED_MS, changed }, checkpoint);
    const history = new History({ storage, now, keepMs: config.historyMs, released: () => mailboxes.released });
    const receipts: Receipts = new Receipts({
      storage,
      held: (id) => owner.heldConversation(id),
      load: (id) => owner.conversation(id),
      forward: events.forward,
      changed,
      failed: events.failed,
      mergeMs: config.receiptsMs,
      cached: CACHED,
    });
    const outlets: Outlets = {
      append(offset, entry, recipients) {
        mailboxes.append(offset, entry, recipients);
        history.add(entry, offset);
        receipts.note(entry);
      },
      release: (upTo) => mailboxes.release(upTo),
      answer({ command, answer, offset, placed }) {
        if (answer !== null) events.answer(command, answer, offset);
        if (placed !== null) events.entry(placed.entry);
      },
      turn: events.turn,
      deadLetter: (_offset, error) => events.failed(error),
      failed: events.failed,
    };
    const partition = new Partition(
      {
        partition: number,
        window: limits.in_flight,
        maxMembers: limits.group_members,
        atomic: storage.atomic,
        cached: CACHED,
        counts: this.counts,
      },
      checkpoint,
    );
    const owner: Owner = new Owner(partition, lease, {
      storage,
      topic: COMMANDS,
      number,
      durableQueue: queue.durable,
      flushMs: config.flushMs,
      flushBytes: FLUSH_BYTES,
      waiting: () => mailboxes.pending.bytes + history.bytes,
      parts: [mailboxes, history, receipts, { collect: () => [], landed: (upTo) => this.commit(number, upTo) }],
      aside: new DeadLetters(queue, COMMANDS, number),
      counts: this.counts,
      outlets,
      probe: config.probe,
    });
    const sweep = new Sweep({
      storage,
      now,
      everyMs: config.sweepMs,
      before: async () => {
        mailboxes.expire();
        await owner.flush();
      },
      failed: events.failed,
    });
    return { owner, mailboxes, receipts, history, sweep };
  }
}
