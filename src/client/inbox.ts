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
 */
export interface Inbox {
  /** An entry that came by the mailbox. */
  receive(tx: Transaction, frame: EntryFrame, self: UserId): Promise<void>;
  /** The answer to a command of this device. */
  acknowledged(tx: Transaction, ack: ServerFrames["ack"], self: UserId): Promise<void>;
  /** Everything that the mailbox holds has come: own entries that waited for others before them wait no more. */
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
  async function place(tx: Transaction, entry: StoredEntry, self: UserId): Promise<void> {
    const before = tx.conversation(entry.conversation);
    let row = before ?? rowOf(entry, self);
    if (entry.seq <= row.seen) {
      if (tx.meta.rebuild !== "gap" || !(await isAnother(tx, entry))) return;
      // The server's data was replaced: what this device knows of the conversation belongs to its former life.
      tx.forget(entry.conversation);
      row = rowOf(entry, self);
    }
    row = show(tx, await showEarly(tx, row, (seq) => seq < entry.seq, self), known(tx, entry, self), self);
    putRow(tx, before, await showEarly(tx, row, (seq, seen) => seq === seen + 1, self), self);
  }

  /** The entry as this device knows it, if it is the answer to one of its commands. */
  function known(tx: Transaction, entry: StoredEntry, self: UserId): StoredEntry {
    const command = entry.sender === self ? tx.command(entry.id) : undefined;
    if (command === undefined) return entry;
    // The acknowledgement was lost, the command wasn't.
    const sent = outbox.acknowledge(tx, command, entry, self);
    // A message is known better here than by what came back; what a change came to, the server says.
    return sent.type === "message" ? sent : entry;
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

  /** Shows own entries that waited, from the first one on, while it's their turn. */
  async function showEarly(
    tx: Transaction,
    row: ConversationRow,
    isTurn: (seq: number, seen: number) => boolean,
    self: UserId,
  ): Promise<ConversationRow> {
    for (let [seq] = row.early; seq !== undefined && isTurn(seq, row.seen); [seq] = row.early) {
      const [entry] = await tx.entries(only(row.conversation, seq));
      row = entry === undefined ? { ...row, early: row.early.slice(1) } : show(tx, row, entry, self);
    }
    return row;
  }

  /** Stores an entry outside its turn. */
  function file(tx: Transaction, entry: StoredEntry, self: UserId, early: readonly number[] = []): void {
    const before = tx.conversation(entry.conversation);
    const row = withKnown(before ?? rowOf(entry, self), entry, self);
    tx.putEntry(entry);
    putRow(tx, before, { ...row, early: [...row.early, ...early].sort((one, other) => one - other) }, self);
  }

  function open(tx: Transaction, { position: _, ...entry }: HistoryEntry): StoredEntry | Promise<StoredEntry> {
    if (entry.type === "change") return entry;
    // The frame's bytes share memory with all that came with them.
    if (entry.envelope !== undefined) entry.envelope = entry.envelope.slice();
    return cipher.open({ ...entry, content: entry.content.slice() }, tx);
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
      await place(tx, await open(tx, frame), self);
    },
    async acknowledged(tx, ack, self) {
      const row = tx.command(ack.id);
      if (row !== undefined) {
        const entry = outbox.acknowledge(tx, row, ack, self);
        const seen = tx.conversation(row.conversation)?.seen ?? 0;
        if (ack.position !== undefined || entry.seq === seen + 1) await place(tx, entry, self);
        // Entries behind it were shown already: it is kept where it belongs, and not shown as new.
        else if (entry.seq <= seen) file(tx, entry, self);
        else {
          // Entries before it may still be to come. It takes its place before the first one behind it.
          file(tx, entry, self, [entry.seq]);
          tx.after(outOfTurn);
        }
      }
      if (ack.position !== undefined) advance(tx, ack.position);
    },
    async allCame(tx, self) {
      for (const { conversation } of conversations.values()) {
        const before = tx.conversation(conversation);
        if (before === undefined || before.early.length === 0) continue;
        putRow(tx, before, await showEarly(tx, before, () => true, self), self);
      }
    },
    async keep(tx, entries, self) {
      const [first, last] = [entries[0], entries.at(-1)];
      if (first === undefined || last === undefined) return [];
      const range = { conversation: first.conversation, after: first.seq - 1, before: last.seq + 1 };
      const known = await tx.entries({ ...range, limit: entries.length, last: false });
      const ids = new Set(known.map(({ id }) => id));
      for (const entry of entries) {
        if (ids.has(entry.id)) continue;
        const opened = await open(tx, entry);
        file(tx, opened, self);
        known.push(opened);
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
