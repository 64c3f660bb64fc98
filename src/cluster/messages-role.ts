import type { Config } from "../config.js";
import { ChatError } from "../errors.js";
import { Counts } from "../log/counts.js";
import { DeadLetters } from "../log/dead-letters.js";
import type { Writing } from "../log/flusher.js";
import { History } from "../messages/history.js";
import { type Outlets, Owner } from "../messages/owner.js";
import { Partition } from "../messages/partition.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Entry } from "../model/message.js";
import type { Receipt } from "../model/receipt.js";
import type { Consumer, Consumption, Lease, Offset, QueueRecord } from "../ports/queue.js";
import type { Versioned } from "../ports/storage.js";
import { conversationValue } from "../ports/stored.js";
import { Receipts } from "../receipts/receipts.js";
import { DeliveryPublisher } from "./delivery-publisher.js";
import type { NodeLink } from "./node-link.js";
import type { AnswerTo, Question, Report } from "./node-message.js";
import { COMMANDS, MESSAGES_GROUP, ownerOf, type Routes } from "./topics.js";

const FLUSH_BYTES = 16 * 1024 * 1024;
const CACHED = 100_000;
const STOP_MS = 15_000;

export interface MessagesRoleEvents {
  /** An entry was stored and acknowledged. */
  entry(entry: Entry): void;
  /** Watermarks grew that concern a user. */
  forward(user: UserId, receipts: readonly Receipt[]): void;
  failed(error: unknown): void;
}

/** All that belongs to one ownership of a partition of commands. */
interface Owned {
  readonly owner: Owner;
  readonly lease: Lease;
  readonly receipts: Receipts;
  readonly deliveries: DeliveryPublisher;
}

/**
 * The messages role: owns partitions of commands, gives every command its place and its answer, and publishes what
 * goes into mailboxes. All of a conversation is in one partition, so whoever owns that knows it best.
 */
export class MessagesRole implements Consumer {
  readonly counts = new Counts();
  private readonly owned = new Map<number, Owned>();
  private consumption: Consumption | null = null;

  constructor(
    private readonly config: Config,
    private readonly link: NodeLink,
    private readonly routes: Routes,
    private readonly events: MessagesRoleEvents,
  ) {}

  async start(): Promise<void> {
    this.consumption = await this.config.queue.consume(COMMANDS, MESSAGES_GROUP, this);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.owned.values()].map(({ owner }) => owner.stop(STOP_MS)));
    await this.consumption?.stop();
  }

  /** The partitions that are this node's, with how far each has got. */
  progress(): {
    partition: number;
    applied: Offset;
    checkpoint: Offset;
    writing: Writing;
    pending_bytes: number;
  }[] {
    return [...this.owned].map(([partition, { owner, deliveries }]) => ({
      partition,
      applied: owner.applied,
      checkpoint: owner.checkpoint,
      writing: owner.writing,
      pending_bytes: deliveries.bytes,
    }));
  }

  // ── Consumer ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async assigned(number: number, lease: Lease): Promise<Offset | null> {
    const checkpoint = (await this.config.storage.checkpoint(COMMANDS, number))?.offset ?? null;
    const owned = this.own(number, lease, checkpoint ?? 0);
    this.owned.set(number, owned);
    await this.link.answerFor(ownerOf(COMMANDS, number), (question) =>
      lease.valid() ? this.answer(owned, question) : undefined,
    );
    return checkpoint;
  }

  batch(number: number, records: readonly QueueRecord[]): void | Promise<void> {
    const owned = this.owned.get(number);
    if (owned === undefined) throw new ChatError("closed", "The partition belongs to another owner.");
    return owned.owner.accept(records);
  }

  async revoked(number: number): Promise<void> {
    const owned = this.owned.get(number);
    if (owned === undefined) return;
    this.owned.delete(number);
    await this.link.answerNoMore(ownerOf(COMMANDS, number)).catch(this.events.failed);
    await owned.owner.stop(STOP_MS);
    owned.receipts.close();
  }

  // ── what others ask ──────────────────────────────────────────────────────────────────────────────────────────────

  private answer(owned: Owned, question: Question): Promise<unknown> | undefined {
    switch (question.about) {
      case "conversations":
        return this.conversations(owned, question.ids);
      case "watermarks":
        return Promise.all(question.ids.map((id) => this.watermarks(owned, id)));
      case "memberships":
        return this.memberships(owned, question.users);
      case "reports":
        return this.reported(owned, question.reports);
      case "written":
        return owned.owner.flush().then(() => true);
      default:
        return undefined;
    }
  }

  private conversations({ owner }: Owned, ids: readonly Uuid[]): Promise<(Versioned | null)[]> {
    return Promise.all(
      ids.map(async (id) => {
        const state = await owner.conversation(id);
        return state === null ? null : { value: conversationValue(state), offset: state.offset };
      }),
    );
  }

  private async watermarks({ owner, receipts }: Owned, id: Uuid): Promise<readonly Receipt[]> {
    const state = await owner.conversation(id);
    return state === null ? [] : receipts.of(state);
  }

  private async memberships({ owner }: Owned, users: readonly UserId[]): Promise<readonly true[]> {
    if (users.some((user) => owner.membershipUnwritten(user))) await owner.flush();
    return users.map(() => true);
  }

  private async reported({ receipts }: Owned, reports: readonly Report[]): Promise<true> {
    for (const [user, conversation, delivered, read] of reports)
      receipts.report(user, conversation, { delivered, read });
    return true;
  }

  // ── one ownership ────────────────────────────────────────────────────────────────────────────────────────────────

  private own(number: number, lease: Lease, checkpoint: Offset): Owned {
    const { config, events, routes } = this;
    const { storage, queue, limits, now, probe } = config;
    const { failed } = events;
    const deliveries = new DeliveryPublisher({ queue, routes, source: number, lease, failed });
    const history = new History({ storage, now, keepMs: config.historyMs, released: () => Number.MAX_SAFE_INTEGER });
    const receipts: Receipts = new Receipts({
      storage,
      held: (id) => owner.heldConversation(id),
      load: (id) => owner.conversation(id),
      forward: events.forward,
      changed: () => owner.touch(),
      failed,
      mergeMs: config.receiptsMs,
      cached: CACHED,
    });
    let answers: AnswerTo[] = [];
    let released: Offset = 0;
    const outlets: Outlets = {
      append(offset, entry, recipients) {
        deliveries.add(offset, entry, recipients);
        history.add(entry, offset);
        receipts.note(entry);
      },
      release(upTo) {
        released = upTo;
        deliveries.release(upTo);
      },
      answer: ({ command, answer, placed }) => {
        if (answer !== null) answers.push({ ...namesOf(command), answer });
        if (placed !== null) events.entry(placed.entry);
      },
      turn: () => {
        const told = answers;
        answers = [];
        // Whoever asks for a mailbox after an acknowledgement finds in it what came before.
        deliveries.accepted(released).then(() => this.tell(told), failed);
      },
      deadLetter: (_offset, error) => failed(error),
      failed,
    };
    const { in_flight: window, group_members: maxMembers } = limits;
    const { atomic } = storage;
    const { counts } = this;
    const owner: Owner = new Owner(
      new Partition({ partition: number, window, maxMembers, atomic, cached: CACHED, counts }, checkpoint),
      lease,
      {
        storage,
        topic: COMMANDS,
        number,
        durableQueue: queue.durable,
        flushMs: config.flushMs,
        flushBytes: FLUSH_BYTES,
        waiting: () => deliveries.bytes + history.bytes,
        parts: [history, receipts, { collect: () => [], landed: (upTo) => this.commit(number, upTo) }],
        deliver: (upTo) => deliveries.accepted(upTo),
        aside: new DeadLetters(queue, COMMANDS, number),
        counts,
        outlets,
        probe,
      },
    );
    return { owner, lease, receipts, deliveries };
  }

  private tell(answers: readonly AnswerTo[]): void {
    const byNode = new Map<string, AnswerTo[]>();
    for (const answer of answers) {
      const ofNode = byNode.get(answer.origin.node);
      if (ofNode === undefined) byNode.set(answer.origin.node, [answer]);
      else ofNode.push(answer);
    }
    for (const [node, ofNode] of byNode) this.link.tell(node, { kind: "answers", answers: ofNode });
  }

  /** The log needn't keep what is in storage. Should it not hear of it, the next time says it again. */
  private commit(number: number, upTo: Offset): void {
    this.consumption?.commit(number, upTo).catch(this.events.failed);
  }
}

function namesOf({ origin, id, conversation }: Omit<AnswerTo, "answer">): Omit<AnswerTo, "answer"> {
  return { origin, id, conversation };
}
