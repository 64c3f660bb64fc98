import type { UserId } from "../model/ids.js";
import type { ServerFrames } from "../protocol/frames.js";
import type { Cipher } from "./cipher.js";
import { rowOf, withEntry } from "./conversations.js";
import type { Events } from "./events.js";
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
  /** Entries of a history that was asked for: kept, but not shown as new. */
  keep(tx: Transaction, entries: readonly HistoryEntry[], self: UserId): Promise<StoredEntry[]>;
  /** Writes a row; own messages that got further by it are told. */
  putRow(tx: Transaction, before: ConversationRow | undefined, after: ConversationRow, self: UserId): void;
  /** The row with all up to `read` read. */
  withRead(tx: Transaction, row: ConversationRow, read: number, self: UserId): Promise<ConversationRow>;
}

export function createInbox(store: ClientStore, events: Events, outbox: Outbox, cipher: Cipher): Inbox {
  async function place(tx: Transaction, entry: StoredEntry, self: UserId): Promise<void> {
    const before = tx.conversation(entry.conversation);
    let row = before ?? rowOf(entry, self);
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
    const unread = row.unread + (entry.seq > row.read && counts(entry, self) ? 1 : 0);
    const after = { ...withEntry(row, entry, self), seen: entry.seq, unread };
    tx.putEntry(entry);
    tell(tx, entry, after, self);
    putRow(tx, before, after, self);
  }

  /** Stores an entry outside its turn. */
  function file(tx: Transaction, entry: StoredEntry, self: UserId): void {
    const before = tx.conversation(entry.conversation);
    tx.putEntry(entry);
    putRow(tx, before, withEntry(before ?? rowOf(entry, self), entry, self), self);
  }

  function open(tx: Transaction, { position: _, ...entry }: HistoryEntry): StoredEntry | Promise<StoredEntry> {
    if (entry.type === "change") return entry;
    // The frame's bytes share memory with all that came with them.
    if (entry.envelope !== undefined) entry.envelope = entry.envelope.slice();
    return cipher.open({ ...entry, content: entry.content.slice() }, tx);
  }

  function tell(tx: Transaction, entry: StoredEntry, row: ConversationRow, self: UserId): void {
    tx.after(() => {
      if (entry.type === "change") return events.emit("change", entry);
      const own = entry.sender === self;
      events.emit("message", showMessage(entry, own, statusOf(row, entry.seq, own)));
    });
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
        // Where the position is missing, entries before this one are still to come: it takes its place among them.
        if (ack.position === undefined) file(tx, entry, self);
        else await place(tx, entry, self);
      }
      if (ack.position !== undefined) advance(tx, ack.position);
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
  const [stored] = await tx.entries({ conversation, after: seq - 1, before: seq + 1, limit: 1, last: false });
  return stored !== undefined && stored.id !== id;
}
