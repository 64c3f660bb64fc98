import { ChatError } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import { DEFAULT_LIMITS, type Limits } from "../model/limits.js";
import type { ServerFrame, ServerFrames } from "../protocol/frames.js";
import { asChatError } from "./as-chat-error.js";
import { createTimer } from "./clock.js";
import { type Connection, createConnection } from "./connection.js";
import type { ChatState, Events } from "./events.js";
import { createHistory, type History } from "./history.js";
import { createInbox, type Inbox } from "./inbox.js";
import { type Ledger, openLedger } from "./ledger.js";
import type { ResolvedOptions } from "./options.js";
import { createOutbox, type Outbox } from "./outbox.js";
import { createReceipts, type Receipts } from "./receipts.js";
import { createSender, type Sender } from "./sender.js";
import { errorOf, type Session } from "./session.js";
import { atLeast } from "./status.js";
import { createSync, type Sync } from "./sync.js";
import type { Transaction } from "./transaction.js";
import { onWake } from "./wake-signals.js";

/** How long a call waits for a connection before it gives up. */
const CONNECTION_DEADLINE = 30_000;

type Work = (tx: Transaction, self: UserId) => void | Promise<void>;

/**
 * A client whose store is open: its parts, and what each frame of the server means to them. Frames are taken in one
 * after another, in the order of the ledger; those of a session that has ended are dropped, as the next one brings
 * them again.
 */
export interface Engine {
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly sender: Sender;
  readonly receipts: Receipts;
  readonly inbox: Inbox;
  readonly sync: Sync;
  readonly history: History;
  readonly connection: Connection;
  state(): ChatState;
  limits(): Limits;
  /** The session, from welcome on. */
  session(): Session | undefined;
  /** Resolves with the user, at once or when a server has told it. */
  identity(): Promise<UserId>;
  /** Resolves with a session that was welcomed; rejects with `timeout` where none comes in time. */
  connected(): Promise<Session>;
  /** Resolves once `done` holds. Rejects when the server says to stay away, at `close`, or after `deadline` ms. */
  until(done: () => boolean, deadline?: number): Promise<void>;
  /** Does something that nobody waits for; it's told if it fails while its session is there. */
  background(session: Session, work: Promise<unknown>): void;
  close(): Promise<void>;
}

export async function openEngine(options: ResolvedOptions, events: Events): Promise<Engine> {
  const { clock, random, store, device, cipher } = options;
  const failed = (error: ChatError): void => events.emit("error", error);
  let drop = (_: ChatError): void => {};
  const ledger = await openLedger(store, device.id, (error) => {
    failed(error);
    drop(error);
  });
  const local = ledger.state;
  const sender = createSender(local.outbox, clock, random);
  const outbox = createOutbox(events, sender.left);
  const receipts = createReceipts(local.conversations, () => local.meta.position, clock);
  const inbox = createInbox(ledger, events, outbox, cipher, () => connection.check());
  const sync = createSync(ledger, inbox, events);
  const history = createHistory(ledger, inbox);
  /** Called at each change of state; answers whether it has waited enough. */
  const waiters = new Set<(reason?: ChatError) => boolean>();
  let state: ChatState = "idle";
  let limits: Limits = DEFAULT_LIMITS;
  let session: Session | undefined;
  let pulling = false;
  const connection = createConnection(options, { introduce, welcomed, frame, ended, pinged, changed, failed });
  drop = connection.drop;
  const stopWaking = onWake(connection.wake);

  async function introduce() {
    // Whatever the session before has brought is stored, or lost with it.
    await ledger.idle();
    const { position } = local.meta;
    return { device: { ...device, id: local.meta.device }, ...(position !== undefined && { position }) };
  }

  function welcomed(from: Session, welcome: ServerFrames["welcome"]): void {
    take(from, welcome, (tx) => {
      const { position, ...meta } = tx.meta;
      const user = meta.user ?? welcome.user;
      if (user !== welcome.user) return refuseUser(user, welcome.user);
      // Where the server can't go on, its positions may be those of another life: all count as new.
      if (welcome.gap) tx.meta = { ...meta, user, rebuild: "gap" };
      else if (meta.user === undefined) tx.meta = { ...tx.meta, user };
      tx.after(() => {
        if (from.ended()) return;
        session = from;
        limits = welcome.limits;
        changed("syncing");
        history.begin();
        receipts.begin(from);
        sender.begin(from, limits.in_flight);
      });
    });
  }

  function refuseUser(known: UserId, told: UserId): void {
    void connection.stop();
    changed("idle", new ChatError("incompatible", `The store is ${known}'s, not ${told}'s.`, { field: "store" }));
  }

  function frame(from: Session, frame: ServerFrame): void {
    switch (frame.type) {
      case "message":
      case "change":
        return take(from, frame, async (tx, self) => {
          await inbox.receive(tx, frame, self);
          tx.after(() => receipts.grew(frame.conversation));
          tx.after(() => catchUpWithGroup(from, frame, self));
        });
      case "ack":
        sender.acknowledged(frame.id);
        return take(from, frame, async (tx, self) => {
          await inbox.acknowledged(tx, frame, self);
          tx.after(() => receipts.sent(frame.conversation));
          tx.after(() => completeGroup(from, frame.conversation, self));
        });
      case "receipt":
        return take(from, frame, (tx, self) => sync.grown(tx, frame.watermarks, self));
      case "synced":
        return take(from, frame, (tx, self) => synced(tx, from, frame.position, self));
      case "pong":
        return take(from, frame, (tx, self) => ponged(tx, from, frame, self));
      case "stale":
        return take(from, frame, (tx, self) => tx.after(() => background(from, sync.watermarks(from, self))));
      case "error":
        return refused(from, frame);
      case "goaway":
        sender.hold();
    }
    from.taken(frame);
  }

  /** Has a frame taken in, in its turn, if its session is still the one. */
  function take(from: Session, frame: ServerFrame, work: Work): void {
    ledger
      .run((tx) => {
        if (from.ended()) return;
        const self = tx.meta.user;
        if (self === undefined && frame.type !== "welcome") throw new ChatError("malformed", "No welcome.");
        return work(tx, self ?? "");
      })
      .catch((cause: unknown) => {
        if (from.ended()) return;
        // A fault of this side: what it lost comes again with the next session.
        const error = asChatError(cause);
        failed(error);
        connection.drop(error);
      })
      .finally(() => {
        from.taken(frame);
        if (!from.ended()) connection.heard();
      });
  }

  function refused(from: Session, frame: ServerFrames["error"]): void {
    const row = sender.concerned(frame);
    const error = row && sender.refuse(row, frame);
    const told = errorOf(frame);
    // What is to be tried again the connection tries, and it says by its state that it isn't there meanwhile.
    if (row === undefined && !told.retryable) failed(told);
    if (row !== undefined && error !== undefined)
      take(from, frame, (tx, self) => inbox.refused(tx, row.id, error, self));
    else from.taken(frame);
  }

  async function synced(tx: Transaction, from: Session, position: number, self: UserId): Promise<void> {
    await inbox.allCame(tx, self);
    if ((tx.meta.position ?? -1) < position) tx.meta = { ...tx.meta, position };
    tx.after(() => {
      pulling = false;
      receipts.grew();
      if (state === "syncing") background(from, catchUp(from, self));
    });
  }

  async function catchUp(from: Session, self: UserId): Promise<void> {
    try {
      if (local.meta.rebuild !== "no") await sync.rebuild(from, self);
    } finally {
      if (!from.ended()) changed("online");
    }
    await sync.watermarks(from, self);
  }

  async function ponged(
    tx: Transaction,
    from: Session,
    { head, position }: ServerFrames["pong"],
    self: UserId,
  ): Promise<void> {
    const mailbox = tx.meta.position ?? 0;
    if (head <= mailbox) await inbox.allCame(tx, self);
    for (const [conversation, mark] of receipts.ponged(position)) {
      const row = tx.conversation(conversation);
      if (row !== undefined) tx.putConversation({ ...row, kept: atLeast(row.kept, mark) });
    }
    if (head <= mailbox || state !== "online" || pulling) return;
    pulling = true;
    tx.after(() => {
      const pulled = from.request("pull", { mailbox }).catch((error: unknown) => {
        pulling = false;
        throw error;
      });
      background(from, pulled);
    });
  }

  /** Own messages in a group can't get further before its members are known. */
  function completeGroup(from: Session, conversation: Uuid, self: UserId): void {
    const row = local.conversations.get(conversation);
    if (row?.kind === "group" && !row.left && row.members === undefined) {
      background(from, sync.members(from, conversation, self));
    }
  }

  /** Who comes back to a group doesn't know who is in it by now, nor how far they have got. */
  function catchUpWithGroup(from: Session, frame: ServerFrames["message" | "change"], self: UserId): void {
    const { type, conversation } = frame;
    if (type !== "change" || frame.change.kind !== "added" || !frame.change.users.includes(self)) return;
    if ((local.conversations.get(conversation)?.own ?? 0) > 0) background(from, sync.watermarks(from, self));
  }

  function background(from: Session, work: Promise<unknown>): void {
    work.catch((cause: unknown) => {
      if (from.ended()) return;
      const error = asChatError(cause);
      // The next session asks again.
      if (error.retryable) connection.drop(error);
      else failed(error);
    });
  }

  function ended(from: Session, { code }: { readonly code: number }): void {
    session = undefined;
    pulling = false;
    receipts.end();
    sync.end();
    const row = sender.end(code);
    if (row === undefined) return;
    const error = new ChatError("too_large", "The server closed because of it.");
    background(
      from,
      ledger.run((tx) => inbox.refused(tx, row.id, error, tx.meta.user ?? "")),
    );
  }

  function pinged(): number | undefined {
    if (sender.stuck()) connection.drop(new ChatError("timeout", "No answer in time."));
    receipts.pinged();
    return local.meta.position;
  }

  function changed(next: ChatState, reason?: ChatError): void {
    if (state === "closed" || state === next) return;
    state = next;
    events.emit("state", next, reason);
    for (const waiter of [...waiters]) if (waiter(reason)) waiters.delete(waiter);
  }

  function until(done: () => boolean, deadline?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = createTimer(clock);
      const look = (reason?: ChatError): boolean => {
        const gone = state === "closed" ? new ChatError("closed") : state === "idle" ? reason : undefined;
        if (gone === undefined && !done()) return false;
        timer.clear();
        if (gone === undefined) resolve();
        else reject(gone);
        return true;
      };
      if (look()) return;
      waiters.add(look);
      if (deadline === undefined) return;
      timer.set(deadline, () => {
        waiters.delete(look);
        reject(new ChatError("timeout", "No connection."));
      });
    });
  }

  return {
    ledger,
    outbox,
    sender,
    receipts,
    inbox,
    sync,
    history,
    connection,
    until,
    background,
    state: () => state,
    limits: () => limits,
    session: () => session,
    async identity() {
      await until(() => local.meta.user !== undefined);
      return local.meta.user as UserId;
    },
    async connected() {
      await until(() => session !== undefined, CONNECTION_DEADLINE);
      return session as Session;
    },
    async close() {
      stopWaking();
      changed("closed");
      await connection.stop();
      outbox.close();
      await ledger.close();
    },
  };
}
