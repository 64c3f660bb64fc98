import { type ErrorCode, isChatError } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import { PAGE } from "../protocol/frames.js";
import type { Inbox } from "./inbox.js";
import type { Ledger } from "./ledger.js";
import { type ChatEntry, type StoredEntry, showMessage } from "./message.js";
import type { Session } from "./session.js";
import { statusOf } from "./status.js";
import type { ConversationRow, EntryRange } from "./stores/store.js";
import { mergeEntries } from "./transaction.js";

/** Which part of a conversation. */
export interface HistoryRange {
  /** Only entries with a smaller seq. */
  readonly before?: number;
  /** Only entries with a greater seq: then the first ones of them, else the last ones. */
  readonly after?: number;
  /** 1 to 256 entries; 50 where it isn't given. */
  readonly limit?: number;
}

export interface HistoryPage {
  /** Ascending by seq. */
  readonly entries: readonly ChatEntry[];
  /** Whether there are more in the direction asked. */
  readonly more: boolean;
}

/** Reads what this device has of conversations, and what it lacks from the server, where it is kept there. */
export interface History {
  /** A session has begun: the server may keep history now. */
  begin(): void;
  /** A page of a conversation. Without a session it's what this device has. */
  read(conversation: Uuid, range: HistoryRange, session: Session | undefined, self: UserId): Promise<HistoryPage>;
}

export function createHistory(ledger: Ledger, inbox: Inbox): History {
  /** Whether the server keeps history; false once it has said that it doesn't. */
  let kept = true;

  async function pull(range: EntryRange, session: Session, self: UserId) {
    const { conversation, after, before, limit, last } = range;
    try {
      const batch = await session.request("pull", {
        conversation,
        limit,
        ...(!last && { after }),
        ...(before < Number.MAX_SAFE_INTEGER && { before }),
      });
      return { more: batch.more, entries: await ledger.run((tx) => inbox.keep(tx, batch.entries, self)) };
    } catch (error) {
      if (!isChatError(error) || !UNAVAILABLE.has(error.code)) throw error;
      if (error.code === "not_kept") kept = false;
      return undefined;
    }
  }

  return {
    begin() {
      kept = true;
    },
    async read(conversation, { before = Number.MAX_SAFE_INTEGER, after, limit = 50 }, session, self) {
      const most = Math.min(Math.max(1, limit), PAGE);
      // One more than asked tells whether there are more.
      const range = { conversation, after: after ?? 0, before, limit: most + 1, last: after === undefined };
      let found = await ledger.store.entries(range);
      let more = false;
      const row = ledger.state.conversations.get(conversation);
      if (session !== undefined && kept && !isWhole(found, range, row?.head)) {
        const pulled = await pull({ ...range, limit: Math.min(range.limit, PAGE) }, session, self);
        // What this device has and the server hasn't belongs to the page all the same.
        found = mergeEntries([...(pulled?.entries ?? []), ...found], range.limit, range.last);
        more = pulled?.more === true;
      }
      more ||= found.length > most;
      const entries = mergeEntries(found, most, range.last);
      const rowNow = ledger.state.conversations.get(conversation);
      return { more, entries: entries.map((entry) => show(entry, rowNow, self)) };
    },
  };
}

/** Where history isn't kept, isn't this user's to see, or doesn't come in time, what is here is all. */
const UNAVAILABLE = new Set<ErrorCode>(["not_kept", "not_found", "not_member", "timeout"]);

/** Whether a page can't lack anything: it has no holes, and is full or reaches from end to end. */
function isWhole(page: readonly StoredEntry[], { after, before, limit, last }: EntryRange, head?: number): boolean {
  // Of a conversation that this device doesn't know, it can't have all.
  if (head === undefined) return false;
  const first = page[0]?.seq;
  const end = page.at(-1)?.seq;
  if (first === undefined || end === undefined) return after >= head || before <= 1;
  if (end - first !== page.length - 1) return false;
  const toTop = end >= Math.min(before - 1, head);
  if (last) return toTop && (page.length === limit || first === 1);
  return first === after + 1 && (page.length === limit || toTop);
}

function show(entry: StoredEntry, row: ConversationRow | undefined, self: UserId): ChatEntry {
  if (entry.type === "change") return entry;
  const own = entry.sender === self;
  return showMessage(entry, own, row === undefined ? "delivered" : statusOf(row, entry.seq, own));
}
