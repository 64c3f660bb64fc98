import type { ConversationState, Member } from "../model/conversation.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Entry } from "../model/message.js";
import { mergeWatermarks, type Receipt, type Watermarks } from "../model/receipt.js";
import type { FlushPart } from "../ports/flush-part.js";
import type { Storage, Write } from "../ports/storage.js";
import { LastSent } from "./last-sent.js";

export interface ReceiptsOptions {
  readonly storage: Pick<Storage, "receipts">;
  /** A conversation as it stands, where it is in memory; undefined where it has to be loaded. */
  readonly held: (conversation: Uuid) => ConversationState | null | undefined;
  readonly load: (conversation: Uuid) => Promise<ConversationState | null>;
  /** Sends watermarks to a user's live connections. */
  readonly forward: (user: UserId, receipts: readonly Receipt[]) => void;
  /** Called when there is something to flush. */
  readonly changed: () => void;
  readonly failed: (error: unknown) => void;
  /** How long receipts wait to be merged before they are forwarded, in milliseconds. */
  readonly mergeMs: number;
  /** Conversations whose watermarks are held in memory. */
  readonly cached: number;
}

/** The rows of a conversation's users that ever reported something. */
type Marks = Map<UserId, MarksRow>;

/**
 * A user's watermarks in one conversation. Few objects that change, rather than many that don't: every receipt passes
 * here, and what outlives its turn costs more to collect than to make.
 */
class MarksRow implements Watermarks {
  delivered = 0;
  read = 0;
  /** The watermarks that were forwarded last, while there are newer ones. */
  deliveredBefore = 0;
  readBefore = 0;
  /** Waits to be forwarded, to members as of this state. */
  growing: ConversationState | null = null;
  /** Differs from the stored row. */
  unwritten = false;
  /** Is being stored as it was a moment ago. */
  writing = false;

  constructor(
    readonly conversation: Uuid,
    readonly user: UserId,
  ) {}

  grow({ delivered, read }: Watermarks): void {
    this.delivered = delivered;
    this.read = read;
  }
}

/**
 * The watermarks of all members. They only grow, so they need no log: they are merged for a moment, forwarded to
 * those whom they tell something, and written with the next flush; clients repeat what a crash may have swallowed.
 */
export class Receipts implements FlushPart {
  private readonly marks = new Map<Uuid, Marks>();
  private readonly loading = new Map<Uuid, Promise<Marks>>();
  private unwritten: MarksRow[] = [];
  private growing: MarksRow[] = [];
  private timer: NodeJS.Timeout | null = null;
  private readonly lastSent: LastSent;

  constructor(private readonly options: ReceiptsOptions) {
    this.lastSent = new LastSent(options.cached);
  }

  /** A released entry: its sender wants to know of receipts for it. */
  note(entry: Entry): void {
    this.lastSent.note(entry);
  }

  /** A device reports how far its user has got. What isn't true (no member, beyond the head) is cut down to what is. */
  report(user: UserId, conversation: Uuid, reported: Watermarks): void {
    const state = this.options.held(conversation);
    const marks = this.marks.get(conversation);
    if (state !== undefined && marks !== undefined) {
      this.merge(user, state, marks, reported);
      return;
    }
    Promise.all([state ?? this.options.load(conversation), this.marksOf(conversation)]).then(
      ([loaded, found]) => this.merge(user, loaded, found, reported),
      this.options.failed,
    );
  }

  private merge(user: UserId, state: ConversationState | null, marks: Marks, reported: Watermarks): void {
    const member = state?.members.get(user);
    if (state === null || member === undefined) return;
    const before = watermarksOf(marks, user, member);
    const after = mergeWatermarks(before, {
      delivered: Math.min(reported.delivered, state.head),
      read: Math.min(reported.read, state.head),
    });
    if (after.delivered === before.delivered && after.read === before.read) return;
    const row = rowOf(marks, state.id, user);
    if (row.growing === null) {
      row.deliveredBefore = before.delivered;
      row.readBefore = before.read;
      this.growing.push(row);
    }
    if (!row.unwritten) this.unwritten.push(row);
    row.growing = state;
    row.unwritten = true;
    row.grow(after);
    this.timer ??= setTimeout(() => this.forwardAll(), this.options.mergeMs);
    this.options.changed();
  }

  private forwardAll(): void {
    this.timer = null;
    const { growing } = this;
    this.growing = [];
    const byTarget = new Map<UserId, Receipt[]>();
    for (const row of growing) {
      const { conversation, user, delivered, read } = row;
      const receipt: Receipt = { conversation, user, delivered, read };
      for (const target of this.targets(row)) {
        const receipts = byTarget.get(target);
        if (receipts === undefined) byTarget.set(target, [receipt]);
        else receipts.push(receipt);
      }
      row.growing = null;
    }
    for (const [target, receipts] of byTarget) this.options.forward(target, receipts);
  }

  /** Whom a user's growth tells something: senders of what it covers; the user's own devices, of reading. */
  private targets({ growing, user, read, readBefore, deliveredBefore }: MarksRow): UserId[] {
    if (growing === null) return [];
    const readMore = read > readBefore;
    const from = readMore ? readBefore : deliveredBefore;
    const targets: UserId[] = [];
    for (const member of growing.members.keys()) {
      const told = member === user ? readMore : this.lastSent.sentAfter(growing.id, member, from);
      if (told) targets.push(member);
    }
    return targets;
  }

  /** The watermarks of all members of a conversation. */
  async of(state: ConversationState): Promise<Receipt[]> {
    const marks = await this.marksOf(state.id);
    return [...state.members].map(([user, member]) => ({
      conversation: state.id,
      user,
      ...watermarksOf(marks, user, member),
    }));
  }

  private marksOf(conversation: Uuid): Promise<Marks> {
    const held = this.marks.get(conversation);
    if (held !== undefined) return Promise.resolve(held);
    const under = this.loading.get(conversation);
    if (under !== undefined) return under;
    const load = this.options.storage
      .receipts([conversation])
      .then(([rows]) => {
        const marks: Marks = new Map();
        for (const row of rows ?? []) rowOf(marks, conversation, row.user).grow(row);
        this.marks.set(conversation, marks);
        this.letGo();
        return marks;
      })
      .finally(() => this.loading.delete(conversation));
    this.loading.set(conversation, load);
    return load;
  }

  private letGo(): void {
    for (const [conversation, marks] of this.marks) {
      if (this.marks.size <= this.options.cached) return;
      if (isStored(marks)) this.marks.delete(conversation);
    }
  }

  private writing: readonly MarksRow[] = [];

  collect(): Write[] {
    this.writing = this.unwritten;
    this.unwritten = [];
    return this.writing.map((row): Write => {
      const { conversation, user, delivered, read } = row;
      row.unwritten = false;
      row.writing = true;
      return { kind: "receipt", conversation, user, delivered, read };
    });
  }

  landed(): void {
    for (const row of this.writing) row.writing = false;
    this.writing = [];
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

/** Whoever has reported nothing has all that was before joining, which is nothing. */
function watermarksOf(marks: Marks, user: UserId, member: Member): Watermarks {
  const none = member.joined - 1;
  return mergeWatermarks(marks.get(user) ?? NOTHING, { delivered: none, read: none });
}

function isStored(marks: Marks): boolean {
  for (const { unwritten, writing } of marks.values()) if (unwritten || writing) return false;
  return true;
}

function rowOf(marks: Marks, conversation: Uuid, user: UserId): MarksRow {
  let row = marks.get(user);
  if (row === undefined) {
    row = new MarksRow(conversation, user);
    marks.set(user, row);
  }
  return row;
}

const NOTHING: Watermarks = { delivered: 0, read: 0 };
