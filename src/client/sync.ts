import type { UserId, Uuid } from "../model/ids.js";
import { PAGE, type ServerFrames } from "../protocol/frames.js";
import { emptyRow, withListed, withMembers } from "./conversations.js";
import type { Events } from "./events.js";
import type { Inbox } from "./inbox.js";
import type { Ledger } from "./ledger.js";
import type { Session } from "./session.js";
import { withMark, withReached } from "./status.js";
import type { ConversationRow } from "./stores/store.js";
import type { Transaction } from "./transaction.js";

type Watermark = ServerFrames["receipt"]["watermarks"][number];

/** How often members are asked for again that have changed meanwhile. */
const ASKED_AGAIN = 10;

/**
 * What a device asks for beside its mailbox: its conversations, where it is new or the server lost its place; the
 * watermarks that grew while it was away; the members of groups that it wrote to. All of it ends with its session
 * and is asked for again in the next.
 */
export interface Sync {
  end(): void;
  /** Asks for all conversations. What the device has of those that are another's by now is dropped. */
  rebuild(session: Session, self: UserId): Promise<void>;
  /** Asks how far the others have got, where the newest own messages aren't known to be read. */
  watermarks(session: Session, self: UserId): Promise<void>;
  /** The same for one conversation that is looked at, once a session. */
  freshen(session: Session, row: ConversationRow, self: UserId): Promise<void>;
  /** Asks for a conversation's members. */
  members(session: Session, conversation: Uuid, self: UserId): Promise<ConversationRow>;
  /** Watermarks that the server told. */
  grown(tx: Transaction, watermarks: readonly Watermark[], self: UserId): Promise<void>;
}

export function createSync(ledger: Ledger, inbox: Inbox, events: Events): Sync {
  const asked = new Set<Uuid>();
  const asking = new Map<Uuid, Promise<ConversationRow>>();

  async function ask(session: Session, rows: readonly ConversationRow[], self: UserId): Promise<void> {
    if (rows.length === 0) return;
    for (const { conversation, kind, members: known } of rows) {
      asked.add(conversation);
      if (kind === "group" && known === undefined) await members(session, conversation, self);
    }
    const conversations = rows.map(({ conversation }) => conversation);
    const { watermarks } = await session.request("receipts", { conversations });
    await ledger.run((tx) => grown(tx, watermarks, self));
  }

  function members(session: Session, conversation: Uuid, self: UserId): Promise<ConversationRow> {
    const answer =
      asking.get(conversation) ?? askMembers(session, conversation, self).finally(() => asking.delete(conversation));
    asking.set(conversation, answer);
    return answer;
  }

  async function askMembers(session: Session, conversation: Uuid, self: UserId): Promise<ConversationRow> {
    for (let times = 0; ; times++) {
      const told = await session.request("group.members", { conversation });
      const row = await ledger.run((tx) => {
        const before = tx.conversation(conversation);
        const other = told.members.find(({ user }) => user !== self)?.user ?? self;
        const row = before ?? emptyRow(conversation, told.kind, told.kind === "direct" ? other : undefined);
        const after = withMembers(row, told, self);
        inbox.putRow(tx, before, after, self);
        return after;
      });
      // An answer from before the group's last change tells nothing.
      if (row.members !== undefined || times === ASKED_AGAIN) return row;
    }
  }

  async function grown(tx: Transaction, watermarks: readonly Watermark[], self: UserId): Promise<void> {
    for (const { conversation, user, ...mark } of watermarks) {
      const before = tx.conversation(conversation);
      if (before === undefined) continue;
      let row = before;
      if (user !== self) row = withReached(withMark(row, user, mark), self);
      // What the server shows it may not have written yet: that it is kept, pongs say.
      else if (mark.read > row.read) row = await inbox.withRead(tx, row, mark.read, self);
      inbox.putRow(tx, before, row, self);
    }
  }

  return {
    members,
    grown,
    end() {
      asked.clear();
      asking.clear();
    },
    async rebuild(session, self) {
      const unlisted = new Map(ledger.state.conversations);
      const conversations: { conversation: Uuid; after: number; head: number }[] = [];
      for (let after: Uuid | undefined, more = true; more; ) {
        const list = await session.request("conversations", { limit: PAGE, ...(after !== undefined && { after }) });
        await ledger.run(async (tx) => {
          for (const listed of list.conversations) {
            const { conversation, head, read } = listed;
            const known = tx.conversation(conversation);
            // What had been seen of it by then belongs to a former life of the server's data. What came since doesn't
            // count: the list may have been made before.
            const then = unlisted.get(conversation)?.seen ?? 0;
            const reborn = known !== undefined && head < then && then <= known.seen;
            if (reborn) tx.forget(conversation);
            let row = withListed(reborn ? undefined : known, listed);
            if (read > row.read) row = await inbox.withRead(tx, row, read, self);
            tx.putConversation(row);
            unlisted.delete(conversation);
            if (head > row.seen) conversations.push({ conversation, after: row.seen, head });
          }
        });
        after = list.conversations.at(-1)?.conversation;
        more = list.more && after !== undefined;
      }
      await ledger.run((tx) => {
        for (const [id, row] of unlisted) {
          // One that changed meanwhile came alive after its page was made.
          if (tx.conversation(id) === row) tx.putConversation({ ...row, left: true });
        }
        const lost = tx.meta.rebuild === "gap";
        tx.meta = { ...tx.meta, rebuild: "no" };
        if (lost) tx.after(() => events.emit("gap", { conversations }));
      });
    },
    async watermarks(session, self) {
      asked.clear();
      const open = [...ledger.state.conversations.values()].filter(isOpen);
      open.sort((one, other) => other.timestamp - one.timestamp);
      await ask(session, open.slice(0, PAGE), self);
    },
    async freshen(session, row, self) {
      if (isOpen(row) && !asked.has(row.conversation)) await ask(session, [row], self);
    },
  };
}

/** Whether own messages aren't known to be read. */
function isOpen({ left, own, reached }: ConversationRow): boolean {
  return !left && own > reached.read;
}
