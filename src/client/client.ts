import { ChatError } from "../errors.js";
import { isUuid, type UserId, type Uuid } from "../model/ids.js";
import type { ContentType, Envelope, Role } from "../model/message.js";
import { type ConversationSummary, summaryOf } from "./conversations.js";
import { type Engine, openEngine } from "./engine.js";
import { type ChatState, type ClientEvents, createEvents } from "./events.js";
import type { HistoryPage, HistoryRange } from "./history.js";
import { directConversation, newId } from "./ids.js";
import type { ChatMessage } from "./message.js";
import { type ChatClientOptions, resolveOptions } from "./options.js";
import { type Outcome, showRow } from "./outbox.js";
import type { CommandFrame, ConversationRow, OutboxRow, StoredMember } from "./stores/store.js";
import { validate } from "./validate.js";

/** Where a message goes: to a user, or into a conversation. */
export type Recipient = { readonly user: UserId } | { readonly conversation: Uuid };

export interface SendOptions {
  /** What kind of thing the content is; text where it isn't given. */
  readonly content_type?: ContentType;
  /** Raises no notification and doesn't count as unread. */
  readonly silent?: boolean;
  /** Users to be told even where a group is muted. */
  readonly mentions?: readonly UserId[];
  /** Parts for single devices. */
  readonly envelopes?: readonly Envelope[];
  /** The message's id, where the application has made one (a UUIDv7): an id that waits already changes nothing. */
  readonly id?: Uuid;
}

/** A member of a conversation. */
export interface ChatMember extends StoredMember {
  readonly user: UserId;
}

/**
 * A device's side of the chat. Everything goes through the store first: a message is sent after it is kept, and shown
 * after it is kept, so neither a lost connection nor a crash loses or repeats one.
 */
export interface ChatClient extends AsyncDisposable {
  /** Who this is, once a server has ever told this store. */
  readonly user: UserId | undefined;
  /** This device's id, once the store is open. */
  readonly device: Uuid | undefined;
  readonly state: ChatState;
  /** Adds a listener; answers what removes it. */
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void;

  /**
   * Connects, and stays connected, or comes back, until `close`. Resolves once everything that was missed has come
   * in; goes on trying until then. Rejects when the server says to stay away, when the store can't be opened
   * (`in_use`, `corrupt`, `store_unavailable`), and at `close`. May be called again.
   */
  connect(): Promise<void>;

  /**
   * Sends a message. Resolves once it is durably in the outbox, connected or not; from there it goes to the server
   * in order, and again until it is answered. Before the first connection ever it waits for that, as only the server
   * knows who this is. Rejects with `too_large` or `invalid` (`field`, `limit`) where the server would refuse it, and
   * with `overloaded` where the outbox is full.
   */
  send(to: Recipient, content: string | Uint8Array, options?: SendOptions): Promise<ChatMessage>;
  /**
   * Resolves with a message once the server has stored it or refused it for good. Rejects with `not_found` where no
   * such message waits, or left the outbox too long ago, and at `close`.
   */
  settled(id: Uuid): Promise<ChatMessage>;
  /** Own messages that the server has not answered yet, in the order of sending: of one conversation, or of all. */
  pending(conversation?: Uuid): Promise<ChatMessage[]>;

  /**
   * Makes a group and answers its conversation. This and the other changes of groups go through the outbox like
   * messages, in order with them; each resolves once the server has carried it out and rejects with its refusal.
   */
  createGroup(name: string, users: readonly UserId[]): Promise<Uuid>;
  renameGroup(conversation: Uuid, name: string): Promise<void>;
  addMembers(conversation: Uuid, users: readonly UserId[]): Promise<void>;
  removeMembers(conversation: Uuid, users: readonly UserId[]): Promise<void>;
  leaveGroup(conversation: Uuid): Promise<void>;
  /** Gives a member a role. Giving `owner` away makes this user an admin. */
  setRole(conversation: Uuid, user: UserId, role: Role): Promise<void>;
  /** The members of a conversation: asked for where they aren't known. Rejects with `timeout` without a connection. */
  members(conversation: Uuid): Promise<ChatMember[]>;

  /**
   * A page of a conversation: from this device's store, and from the server what is missing there, where it is kept.
   * What was pulled is not told as `message`.
   */
  history(conversation: Uuid, range?: HistoryRange): Promise<HistoryPage>;
  /** The conversations that this device knows, the one with the newest entry first. */
  conversations(): Promise<ConversationSummary[]>;
  /** This user has read a conversation up to a seq, or all that has come in. Never takes back what was read. */
  markRead(conversation: Uuid, seq?: number): Promise<void>;

  /** Ends the connection and lets go of the store. What waits in the outbox stays there. May be called twice. */
  close(): Promise<void>;
}

type Command<F = CommandFrame> = F extends CommandFrame ? Omit<F, "id"> : never;
type GroupCommand = Command<Exclude<CommandFrame, { type: "send" }>>;

/** Makes a client. Nothing is opened and nobody is called before its first call. Throws `config`. */
export function createChatClient(given: ChatClientOptions): ChatClient {
  const options = resolveOptions(given);
  const { clock, cipher } = options;
  const events = createEvents();
  let engine: Engine | undefined;
  let opening: Promise<Engine> | undefined;
  let closing: Promise<void> | undefined;

  async function open(): Promise<Engine> {
    if (closing !== undefined) throw new ChatError("closed");
    opening ??= openEngine(options, events);
    try {
      engine = await opening;
      return engine;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  async function end(): Promise<void> {
    // A store that could not be opened needs no closing; its opener was told why.
    const opened = await opening?.catch(() => undefined);
    await opened?.close();
    events.clear();
  }

  /** Puts a command into the outbox: checks, seals, stores, sends. Answers its row. */
  async function queue(to: Engine, id: Uuid, conversation: Uuid, command: Command): Promise<OutboxRow> {
    const frame = { ...command, id } as CommandFrame;
    if (!isUuid(conversation)) throw new ChatError("invalid", undefined, { field: "conversation" });
    validate(frame, to.limits());
    const row = await to.ledger.run(async (tx) => {
      const known = tx.command(id);
      if (known !== undefined) return known;
      const bare = { id, conversation, created_at: clock.now() };
      if (frame.type !== "send") return to.outbox.queue(tx, { ...bare, frame });
      const { content, envelopes } = await cipher.seal({ ...frame, conversation }, tx);
      const plain = content === frame.content ? {} : { plain: frame.content };
      const sealed = { ...frame, content, ...(envelopes !== undefined && { envelopes }) };
      return to.outbox.queue(tx, { ...bare, ...plain, frame: sealed });
    });
    to.connection.suspect();
    to.sender.pump();
    return row;
  }

  async function change(frame: GroupCommand): Promise<void> {
    const opened = await open();
    await opened.identity();
    const { id } = await queue(opened, newId(), frame.conversation, frame);
    const { error } = await outcome(opened, id);
    if (error !== undefined) throw error;
  }

  function outcome({ outbox, ledger }: Engine, id: Uuid): Promise<Outcome> {
    return outbox.outcome(id, ledger.state.outbox.has(id));
  }

  return {
    get user() {
      return engine?.ledger.state.meta.user;
    },
    get device() {
      return engine?.ledger.state.meta.device;
    },
    get state() {
      return closing === undefined ? (engine?.state() ?? "idle") : "closed";
    },
    on: events.on,

    async connect() {
      const { connection, until, state } = await open();
      if (state() !== "online") connection.start();
      await until(() => state() === "online");
    },

    async send(to, content, { id = newId(), content_type = "text", ...rest } = {}) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content.slice();
      const opened = await open();
      const self = await opened.identity();
      const conversation = "user" in to ? directConversation(self, to.user) : to.conversation;
      const command = { type: "send", ...to, content_type, content: bytes, ...rest } as const;
      const row = await queue(opened, id, conversation, command);
      return showRow(row, self, opened.ledger.state.meta.device);
    },
    async settled(id) {
      const { message } = await outcome(await open(), id);
      if (message === undefined) throw new ChatError("not_found", undefined, { field: "id" });
      return message;
    },
    async pending(conversation) {
      const { outbox, meta } = (await open()).ledger.state;
      return [...outbox.values()]
        .filter((row) => row.frame.type === "send" && row.conversation === (conversation ?? row.conversation))
        .map((row) => showRow(row, meta.user ?? "", meta.device));
    },

    async createGroup(name, users) {
      const conversation = newId();
      await change({ type: "group.create", conversation, name, users });
      return conversation;
    },
    renameGroup: (conversation, name) => change({ type: "group.rename", conversation, name }),
    addMembers: (conversation, users) => change({ type: "group.add", conversation, users }),
    removeMembers: (conversation, users) => change({ type: "group.remove", conversation, users }),
    leaveGroup: (conversation) => change({ type: "group.leave", conversation }),
    setRole: (conversation, user, role) => change({ type: "group.role", conversation, user, role }),
    async members(conversation) {
      const opened = await open();
      const self = await opened.identity();
      let row = opened.ledger.state.conversations.get(conversation);
      if (row?.kind !== "direct" && row?.members === undefined) {
        row = await opened.sync.members(await opened.connected(), conversation, self);
      }
      return membersOf(row, self);
    },

    async history(conversation, range = {}) {
      const { identity, ledger, sync, history, session: current, background } = await open();
      const self = await identity();
      const session = current();
      const row = ledger.state.conversations.get(conversation);
      if (session !== undefined && row !== undefined) background(session, sync.freshen(session, row, self));
      return history.read(conversation, range, session, self);
    },
    async conversations() {
      const { conversations } = (await open()).ledger.state;
      return [...conversations.values()].map(summaryOf).sort((one, other) => other.timestamp - one.timestamp);
    },
    async markRead(conversation, seq) {
      const { identity, ledger, inbox, receipts } = await open();
      const self = await identity();
      await ledger.run(async (tx) => {
        const row = tx.conversation(conversation);
        if (row === undefined) throw new ChatError("not_found", undefined, { field: "conversation" });
        const read = Math.min(seq ?? row.seen, row.head);
        if (!(read > row.read)) return;
        tx.putConversation(await inbox.withRead(tx, row, read, self));
        tx.after(() => receipts.grew(conversation));
      });
    },

    close() {
      closing ??= end();
      return closing;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

function membersOf({ kind, user, members }: ConversationRow, self: UserId): ChatMember[] {
  if (kind === "group") return [...(members ?? [])].map(([one, member]) => ({ user: one, ...member }));
  const users = user === undefined || user === self ? [self] : [self, user];
  return users.map((one) => ({ user: one, role: "member", joined: 1 }));
}
