import {
  type ChatClient,
  type ChatEntry,
  type ChatError,
  type ConversationSummary,
  createChatClient,
  directConversation,
  indexedDbStore,
} from "sentseen/client";
import { preview } from "./words.js";

const PAGE = 50;

/** Where this tab keeps which conversation is open. */
const OPEN = "open";

export type Kind = "direct" | "group";

/** A conversation as the list shows it. */
export interface Row {
  readonly conversation: string;
  readonly kind: Kind;
  readonly title: string;
  readonly unread: number;
  readonly timestamp: number;
  readonly preview: string;
  /** The user is no member any more. */
  readonly left: boolean;
}

/** The conversation that is being read. */
export interface Opened {
  readonly conversation: string;
  readonly kind: Kind;
  readonly title: string;
  /** In the conversation's order; those without a place yet come last. */
  readonly entries: readonly ChatEntry[];
  /** There are earlier ones. */
  readonly more: boolean;
  readonly left: boolean;
  /** A group's members, once they are known. */
  readonly members: readonly string[];
}

/** What the page shows of one user's chat, kept up to date by the client's events. */
export class Session {
  rows: readonly Row[] = [];
  opened: Opened | undefined;
  /** Why the client stays away, once it does. */
  trouble: ChatError | undefined;

  private readonly latest = new Map<string, ChatEntry>();
  private refreshing: Promise<void> | undefined;
  private stale = false;

  private constructor(
    readonly me: string,
    readonly client: ChatClient,
    /** Called after every change. */
    private readonly changed: () => void,
  ) {
    const entered = (entry: ChatEntry): void => this.enter(entry);
    client.on("message", entered);
    client.on("change", entered);
    client.on("status", entered);
    client.on("state", (state, reason) => {
      this.trouble = state === "idle" || state === "closed" ? reason : undefined;
      changed();
    });
    client.on("gap", () => void this.reopen());
  }

  /** Opens the user's store in this browser and connects. Rejects where another tab has it open. */
  static async begin(me: string, changed: () => void): Promise<Session> {
    const client = createChatClient({
      url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat`,
      token: me,
      store: indexedDbStore(`sentseen-quickstart-${me}`),
      device: { name: "Quickstart", platform: "web" },
    });
    const session = new Session(me, client, changed);
    const inVain = (error: ChatError): void => {
      session.trouble = error;
      changed();
    };
    client.connect().catch(inVain);
    await session.refresh().catch(inVain);
    const open = sessionStorage.getItem(OPEN);
    const row = session.rows.find(({ conversation }) => conversation === open);
    if (row !== undefined) await session.open(row.conversation, row.kind, row.title);
    return session;
  }

  async openUser(user: string): Promise<void> {
    await this.open(directConversation(this.me, user), "direct", user);
  }

  async open(conversation: string, kind: Kind, title: string): Promise<void> {
    this.opened = { conversation, kind, title, entries: [], more: false, left: false, members: [] };
    sessionStorage.setItem(OPEN, conversation);
    await this.earlier();
    await this.readMembers();
  }

  /** Closes the conversation; it doesn't count as read any more. */
  shut(): void {
    this.opened = undefined;
    sessionStorage.removeItem(OPEN);
    this.changed();
  }

  /** Loads what comes before the first entry. */
  async earlier(): Promise<void> {
    const { opened } = this;
    if (opened === undefined) return;
    const before = opened.entries[0]?.seq;
    const page = await this.client.history(opened.conversation, {
      limit: PAGE,
      ...(before !== undefined && { before }),
    });
    const waiting = before === undefined ? await this.client.pending(opened.conversation) : [];
    if (this.opened?.conversation !== opened.conversation) return;
    const entries = merged(this.opened.entries, [...waiting, ...page.entries]);
    this.opened = { ...this.opened, entries, more: page.more };
    this.changed();
    await this.look();
  }

  async say(text: string): Promise<void> {
    const { opened } = this;
    if (opened === undefined) return;
    const to = opened.kind === "direct" ? { user: opened.title } : { conversation: opened.conversation };
    this.enter(await this.client.send(to, text));
  }

  /** Counts the open conversation as read, if somebody is looking. */
  async look(): Promise<void> {
    const { opened } = this;
    const placed = opened?.entries.some(({ seq }) => seq !== undefined);
    if (opened !== undefined && placed && document.visibilityState === "visible") {
      await this.client.markRead(opened.conversation);
    }
    await this.refresh();
  }

  /** Brings the list up to date. Calls that meet share one run, and one more where something changed meanwhile. */
  refresh(): Promise<void> {
    this.stale = true;
    this.refreshing ??= this.readRows().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async readRows(): Promise<void> {
    while (this.stale) {
      this.stale = false;
      const summaries = await this.client.conversations();
      this.rows = await Promise.all(summaries.map((summary) => this.rowOf(summary)));
      const now = this.rows.find(({ conversation }) => conversation === this.opened?.conversation);
      if (now !== undefined && this.opened !== undefined)
        this.opened = { ...this.opened, title: now.title, left: now.left };
      this.changed();
    }
  }

  private async rowOf(summary: ConversationSummary): Promise<Row> {
    const { conversation, kind, name, user, unread, left, timestamp } = summary;
    const last = this.latest.get(conversation) ?? (await this.client.history(conversation, { limit: 1 })).entries[0];
    if (last !== undefined) this.latest.set(conversation, last);
    return {
      conversation,
      kind,
      title: kind === "group" ? name || "Group" : (user ?? "?"),
      unread,
      timestamp,
      preview: last === undefined ? "" : preview(last, this.me, kind),
      left,
    };
  }

  private enter(entry: ChatEntry): void {
    const latest = this.latest.get(entry.conversation);
    if (latest === undefined || latest.id === entry.id || place(entry) > place(latest)) {
      this.latest.set(entry.conversation, entry);
    }
    if (this.opened?.conversation === entry.conversation) {
      this.opened = { ...this.opened, entries: merged(this.opened.entries, [entry]) };
      this.changed();
      void this.look();
      if (entry.type === "change") void this.readMembers();
    } else {
      void this.refresh();
    }
  }

  private async readMembers(): Promise<void> {
    const { opened } = this;
    if (opened?.kind !== "group" || opened.left) return;
    // Offline, or no member any more: then the page does without.
    const members = await this.client.members(opened.conversation).catch(() => []);
    if (this.opened?.conversation !== opened.conversation) return;
    this.opened = { ...this.opened, members: members.map(({ user }) => user) };
    this.changed();
  }

  private async reopen(): Promise<void> {
    this.latest.clear();
    if (this.opened !== undefined) await this.open(this.opened.conversation, this.opened.kind, this.opened.title);
    await this.refresh();
  }
}

const place = (entry: ChatEntry): number => entry.seq ?? Number.MAX_SAFE_INTEGER;

/** Both, each entry once in its newest form, in order. */
function merged(old: readonly ChatEntry[], fresh: readonly ChatEntry[]): readonly ChatEntry[] {
  const byId = new Map(old.map((entry) => [entry.id, entry]));
  for (const entry of fresh) byId.set(entry.id, entry);
  return [...byId.values()].sort((one, other) => place(one) - place(other));
}
