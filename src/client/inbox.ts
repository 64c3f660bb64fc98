import type { ChatError } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { ServerFrames } from "../protocol/frames.js";
import type { Cipher } from "./cipher.js";
import { rowOf, withKnown, withPlaced } from "./conversations.js";
import type { Events } from "./events.js";
import type { Ledger } from "./ledger.js";
import { type StoredEntry, showMessage } from "./message.js";
import type { Outbox } from "./outbox.js";
import { statusOf } from "./status.js";
import type { ClientStore, ConversationRow, EntryRange } from "./stores/store.js";
import type { Transaction } from "./transaction.js";

type EntryFrame = ServerFrames["message"] | ServerFrames["change"];
type HistoryEntry = ServerFrames["batch"]["entries"][number];

/** Entries that are read together. */
const PAGE = 256;

/**
 * The mailbox as this device takes it in: each entry once, in the conversation's order, stored in the same step as
 * the position that says so, and only then shown.
 *
 * Two streams make up a conversation: the others' entries come by the mailbox, the own ones by the acknowledgements of
 * commands, and one may be ahead of the other. An entry that has a gap before it is stored and waits until the gap is
 * filled or can't be filled any more: no own command of the conversation is unanswered, and the mailbox has come so far.
 */
export interface Inbox {
  /** An entry that came by the mailbox. */
  receive(tx: Transaction, frame: EntryFrame, self: UserId): Promise<void>;
  /** The server has stored a command of this device. */
  acknowledged(tx: Transaction, ack: ServerFrames["ack"], self: UserId): Promise<void>;
  /** The server has refused a command of this device for good. */
  refused(tx: Transaction, id: Uuid, error: ChatError, self: UserId): Promise<void>;
  /** Everything that the mailbox holds has come. */
  allCame(tx: Transaction, self: UserId): Promise<void>;
  /** Entries of a history that was asked for: kept, but not shown as new. */
  keep(tx: Transaction, entries: readonly HistoryEntry[], self: UserId): Promise<StoredEntry[]>;
  /** Writes a row; own messages that got further by it are told. */
  putRow(tx: Transaction, before: ConversationRow | undefined, after: ConversationRow, self: UserId): void;
  /** The row with all up to `read` read. */
  withRead(tx: Transaction, row: ConversationRow, read: number, self: UserId): Promise<ConversationRow>;
}

/** `outOfTurn` is called when an own entry has begun to wait for others that may come before it. */
export function createInbox(
  { store, state: { conversations } }: Pick<Ledger, "store" | "state">,
  events: Events,
  outbox: Outbox,
  cipher: Cipher,
  outOfTurn: () => void,
): Inbox {
  /** Takes in an entry that is new to this device. */
  async function place(tx: Transaction, row: ConversationRow, entry: StoredEntry, self: UserId): Promise<void> {
    const before = tx.conversation(row.conversation);
    if (entry.seq === row.seen + 1) row = show(tx, row, entry, self);
    else {
      tx.putEntry(entry);
      const early = [...row.early, entry.seq].sort((one, other) => one - other);
      row = { ...withKnown(row, entry, self), early };
    }
    putRow(tx, before, await showDue(tx, row, self), self);
  }

  function show(tx: Transaction, row: ConversationRow, entry: StoredEntry, self: UserId): ConversationRow {
    const unread = row.unread + (entry.seq > row.read && counts(entry, self) ? 1 : 0);
    const early = row.early.filter((seq) => seq > entry.seq);
    const after = { ...withPlaced(row, entry, self), unread, early };
    const own = entry.sender === self;
    tx.putEntry(entry);
    tx.after(() => {
      if (entry.type === "change") events.emit("change", entry);
      else events.emit("message", showMessage(entry, own, statusOf(after, entry.seq, own)));
    });
    return after;
  }

  /** Shows the entries that waited and whose turn it is now. */
  async function showDue(tx: Transaction, row: ConversationRow, self: UserId): Promise<ConversationRow> {
    for (let [seq] = row.early; seq !== undefined; [seq] = row.early) {
      if (seq !== row.seen + 1 && (seq > row.came || tx.isWaiting(row.conversation))) break;
      const [entry] = await tx.entries(only(row.conversation, seq));
      // A store that keeps only so much may have dropped it.
      row = entry === undefined ? { ...row, early: row.early.slice(1) } : show(tx, row, entry, self);
    }
    return row;
  }

  /** Shows what has become due in a conversation. */
  async function settle(tx: Transaction, conversation: Uuid, came: number, self: UserId): Promise<void> {
    const before = tx.conversation(conversation);
    if (before === undefined || before.early.length === 0) return;
    putRow(tx, before, await showDue(tx, { ...before, came: Math.max(before.came, came) }, self), self);
  }

  function open(tx: Transaction, { position: _, ...entry }: HistoryEntry): StoredEntry | Promise<StoredEntry> {
    if (entry.type === "change") return entry;
    // The frame's bytes share memory with all that came with them.
    const envelope = entry.envelope === undefined ? {} : { envelope: entry.envelope.slice() };
    return cipher.open({ ...entry, content: entry.content.slice(), ...envelope }, tx);
  }

  function putRow(tx: Transaction, before: ConversationRow | undefined, after: ConversationRow, self: UserId): void {
    if (before === after) return;
    tx.putConversation(after);
    if (before === undefined || before.reached === after.reached) return;
    tx.after(async () => {
      const end = Math.min(after.own, after.reached.delivered) + 1;
      const range = { conversation: after.conversation, after: before.reached.read, before: end };
      for await (const entry of entriesOf(store, range)) {
        if (entry.type === "change" || entry.sender !== self) continue;
        const status = statusOf(after, entry.seq, true);
        if (status !== statusOf(before, entry.seq, true)) events.emit("status", showMessage(entry, true, status));
      }
    });
  }

  return {
    putRow,
    async receive(tx, frame, self) {
      if (frame.position !== undefined && !advance(tx, frame.position)) return;
      let entry = await open(tx, frame);
      let row = tx.conversation(entry.conversation) ?? rowOf(entry, self);
      if (entry.seq <= row.seen) {
        if (tx.meta.rebuild !== "gap" || !(await isAnother(tx, entry))) return;
        // The server's data was replaced: what this device knows of the conversation belongs to its former life.
        tx.forget(entry.conversation);
        row = rowOf(entry, self);
      }
      const command = entry.sender === self ? tx.command(entry.id) : undefined;
      if (command !== undefined) {
        // The acknowledgement was lost, the command wasn't.
        const sent = outbox.acknowledge(tx, command, entry, self);
        // A message is known better here than by what came back; what a change came to, the server says.
        if (sent.type === "message") entry = sent;
      }
      const { seq, conversation } = entry;
      if (row.early.includes(seq)) await settle(tx, conversation, seq, self);
      else await place(tx, { ...row, came: Math.max(row.came, seq) }, entry, self);
    },
    async acknowledged(tx, { id, seq, timestamp, position }, self) {
      if (position !== undefined) advance(tx, position);
      const command = tx.command(id);
      if (command === undefined) return;
      const { conversation } = command;
      const entry = outbox.acknowledge(tx, command, { seq, timestamp }, self);
      const row = tx.conversation(conversation) ?? rowOf(entry, self);
      // With the position, the acknowledgement says that the mailbox has come so far.
      const came = position === undefined ? 0 : seq;
      if (seq > row.seen) await place(tx, { ...row, came: Math.max(row.came, came) }, entry, self);
      if (tx.conversation(conversation)?.early.includes(seq)) tx.after(outOfTurn);
    },
    async refused(tx, id, error, self) {
      const command = tx.command(id);
      if (command === undefined) return;
      outbox.fail(tx, command, error, self);
      await settle(tx, command.conversation, 0, self);
    },
    async allCame(tx, self) {
      for (const { conversation } of conversations.values()) {
        await settle(tx, conversation, Number.MAX_SAFE_INTEGER, self);
      }
    },
    async keep(tx, entries, self) {
      const [first, last] = [entries[0], entries.at(-1)];
      if (first === undefined || last === undefined) return [];
      const range = { conversation: first.conversation, after: first.seq - 1, before: last.seq + 1 };
      const known = await tx.entries({ ...range, limit: entries.length, last: false });
      const ids = new Set(known.map(({ id }) => id));
      for (const frame of entries) {
        if (ids.has(frame.id)) continue;
        const entry = await open(tx, frame);
        const before = tx.conversation(entry.conversation);
        tx.putEntry(entry);
        putRow(tx, before, withKnown(before ?? rowOf(entry, self), entry, self), self);
        known.push(entry);
      }
      return known;
    },
    async withRead(tx, row, read, self) {
      let unread = 0;
      const range = { conversation: row.conversation, after: read, before: row.seen + 1 };
      for await (const entry of entriesOf(tx, range)) if (counts(entry, self)) unread++;
      return { ...row, read, unread };
    },
  };
}

/** All entries of a range, read page by page. */
async function* entriesOf(
  source: Pick<ClientStore, "entries">,
  range: Pick<EntryRange, "conversation" | "after" | "before">,
): AsyncIterable<StoredEntry> {
  for (let { after } = range; ; ) {
    const page = await source.entries({ ...range, after, limit: PAGE, last: false });
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.seq ?? after;
  }
}

function only(conversation: Uuid, seq: number): EntryRange {
  return { conversation, after: seq - 1, before: seq + 1, limit: 1, last: false };
}

/** Moves the device's position; false where it was there already. */
function advance(tx: Transaction, position: number): boolean {
  if ((tx.meta.position ?? -1) >= position) return false;
  tx.meta = { ...tx.meta, position };
  return true;
}

function counts(entry: StoredEntry, self: UserId): boolean {
  return entry.type === "message" && entry.sender !== self && !entry.silent;
}

/** Whether the store has something else where this entry belongs. */
async function isAnother(tx: Transaction, { conversation, seq, id }: StoredEntry): Promise<boolean> {
  const [stored] = await tx.entries(only(conversation, seq));
  return stored !== undefined && stored.id !== id;
}
