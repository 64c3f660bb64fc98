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

type Marks = Map<UserId, Watermarks>;

/** A user's watermarks before and after what is about to be forwarded. */
interface Growth {
  readonly before: Watermarks;
  readonly after: Watermarks;
}

interface Growing {
  readonly state: ConversationState;
  readonly users: Map<UserId, Growth>;
}

/**
 * The watermarks of all members. They only grow, so they need no log: they are merged for a moment, forwarded to
 * those whom they tell something, and written with the next flush; clients repeat what a crash may have swallowed.
 */
export class Receipts implements FlushPart {
  private readonly marks = new Map<Uuid, Marks>();
  private readonly loading = new Map<Uuid, Promise<Marks>>();
  private unwritten = new Map<Uuid, Set<UserId>>();
  private growing = new Map<Uuid, Growing>();
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
    marks.set(user, after);
    noteIn(this.unwritten, state.id, () => new Set<UserId>()).add(user);
    const { users } = noteIn(this.growing, state.id, () => ({ state, users: new Map<UserId, Growth>() }));
    users.set(user, { before: users.get(user)?.before ?? before, after });
    this.timer ??= setTimeout(() => this.forwardAll(), this.options.mergeMs);
    this.options.changed();
  }

  private forwardAll(): void {
    this.timer = null;
    const growing = this.growing;
    this.growing = new Map();
    const byTarget = new Map<UserId, Receipt[]>();
    for (const [conversation, { state, users }] of growing) {
      for (const [user, growth] of users) {
        const receipt: Receipt = { conversation, user, ...growth.after };
        for (const target of this.targets(state, user, growth))
          noteIn(byTarget, target, () => [] as Receipt[]).push(receipt);
      }
    }
    for (const [target, receipts] of byTarget) this.options.forward(target, receipts);
  }

  /** Whom a user's growth tells something: senders of what it covers; the user's own devices, of reading. */
  private *targets(state: ConversationState, user: UserId, { before, after }: Growth): Generator<UserId> {
    const from = after.read > before.read ? before.read : before.delivered;
    for (const member of state.members.keys()) {
      if (member === user ? after.read > before.read : this.lastSent.sentAfter(state.id, member, from)) yield member;
    }
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
        const marks: Marks = new Map((rows ?? []).map(({ user, delivered, read }) => [user, { delivered, read }]));
        this.marks.set(conversation, marks);
        this.letGo();
        return marks;
      })
      .finally(() => this.loading.delete(conversation));
    this.loading.set(conversation, load);
    return load;
  }

  private letGo(): void {
    for (const conversation of this.marks.keys()) {
      if (this.marks.size <= this.options.cached) return;
      if (!this.unwritten.has(conversation) && !this.writing.has(conversation)) this.marks.delete(conversation);
    }
  }

  private writing = new Map<Uuid, Set<UserId>>();

  collect(): Write[] {
    this.writing = this.unwritten;
    this.unwritten = new Map();
    const writes: Write[] = [];
    for (const [conversation, users] of this.writing) {
      for (const user of users) {
        const marks = this.marks.get(conversation)?.get(user);
        if (marks !== undefined) writes.push({ kind: "receipt", conversation, user, ...marks });
      }
    }
    return writes;
  }

  landed(): void {
    this.writing = new Map();
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

/** Whoever has reported nothing has all that was before joining, which is nothing. */
function watermarksOf(marks: Marks, user: UserId, member: Member): Watermarks {
  const none = member.joined - 1;
  return mergeWatermarks(marks.get(user) ?? { delivered: 0, read: 0 }, { delivered: none, read: none });
}

function noteIn<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
