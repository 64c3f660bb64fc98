import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Subscriber } from "../delivery/feed.js";
import type { MailboxEntry } from "../delivery/mailbox-entry.js";
import { ERROR_TEXTS, textOf } from "../error-texts.js";
import type { ChatError, ErrorCode } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { ConnectionEntry } from "../ports/connection-registry.js";
import { closeCodeOf } from "../protocol/close-codes.js";
import type { ClientFrame, ServerFrame } from "../protocol/frames.js";
import { entryFrame } from "./entry-frame.js";
import type { Framing } from "./framing.js";
import { HIGH_WATER, Outbox } from "./outbox.js";
import type { MailboxFeed } from "./services.js";
import { Unanswered } from "./unanswered.js";
import type { Spoke } from "./wheel.js";

/** What a connection needs of its gateway. */
export interface ConnectionHost {
  /** The connection has something to send: flush it at the end of the turn. */
  soon(connection: Connection): void;
  /** It has something to send that may wait for company. */
  later(connection: Connection): void;
  /** The connection has more to send than it takes for now. */
  stuck(connection: Connection): void;
  /** It's time to look at the connection; answers in how many seconds to look again, 0 for never. */
  look(connection: Connection, now: number): number;
  failed(error: unknown): void;
}

export type ConnectionState = "greeting" | "opening" | "open" | "closed";

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
const CONTROL = /[\u0000-\u001f\u007f]+/g;

/** A beginning of a text of whatever origin that every client takes. */
function forFrame(text: string): string {
  return text.replace(CONTROL, " ").slice(0, 256).toWellFormed();
}

/** One socket, from its upgrade to its close. */
export class Connection implements Subscriber, Spoke {
  state: ConnectionState = "greeting";
  /** The HTTP request, until it has been authenticated. */
  request: IncomingMessage | null;
  user: UserId = "";
  device: Uuid = "";
  entry: ConnectionEntry | null = null;
  feed: MailboxFeed | null = null;
  /** Gives its place in the mailbox back, to whoever gave it: the log may have another owner by then. */
  detach: (() => void) | null = null;
  /** Milliseconds since 1970 when the token runs out; 0 for never. */
  expiresAt = 0;
  /** Commands that aren't answered yet. */
  readonly unanswered = new Unanswered();
  /** Requests for stored things that aren't answered yet. */
  requests = 0;
  /** Commands wait here for their turn while a hook is asked about an earlier one; null while none is. */
  turn: Promise<void> | null = null;
  /** A command was refused for now: nothing overtakes it until it has come again, or the time (ms) has passed. [R4] */
  owed: { readonly id: Uuid; readonly until: number } | null = null;
  /** Frames that came while the hello was being answered. */
  early: ClientFrame[] = [];
  /** The wheel's second of the last whole frame that came. */
  seen = 0;
  /** The wheel's second since which the socket takes nothing; -1 while it does. */
  slowSince = -1;
  /** Receipts were left out because the socket was slow. */
  staleReceipts = false;
  /** Waits for the end of the turn to be flushed. */
  queued = false;
  /** Has been told to close; what it still sends is not looked at. */
  closing = false;

  private readonly outbox: Outbox;
  private bytesRead = 0;

  constructor(
    readonly id: number,
    readonly ws: WebSocket,
    readonly socket: Duplex,
    readonly framing: Framing,
    request: IncomingMessage,
    private readonly host: ConnectionHost,
    /** The wheel's second of the upgrade. */
    readonly since: number,
  ) {
    this.seen = since;
    this.outbox = new Outbox(socket);
    this.request = request;
  }

  get inFlight(): number {
    return this.unanswered.count;
  }

  /** Bytes that the socket hasn't taken yet. */
  get waiting(): number {
    return this.outbox.waiting;
  }

  get ready(): boolean {
    return this.state !== "closed" && !this.closing && this.outbox.waiting < HIGH_WATER;
  }

  send(frame: ServerFrame): void {
    this.sendFramed(this.framing.frame(frame));
  }

  sendFramed(bytes: Uint8Array): void {
    if (this.state === "closed" || this.closing) return;
    const full = this.outbox.push(bytes);
    this.host.soon(this);
    if (full) this.host.stuck(this);
  }

  /** Sends what may wait for a while, with whatever is sent next. */
  sendLater(bytes: Uint8Array): void {
    if (this.state === "closed" || this.closing) return;
    const { silent } = this;
    this.outbox.push(bytes);
    if (silent) this.host.later(this);
  }

  /** Whether nothing waits to be sent. */
  get silent(): boolean {
    return this.outbox.empty;
  }

  flush(): void {
    this.outbox.flush();
  }

  deliver(item: MailboxEntry): void {
    const { entry } = item;
    if (entry.type === "message" && entry.envelopes !== undefined) {
      this.send(entryFrame(entry, item.position, this.device));
      return;
    }
    this.sendFramed(this.framing.entry(item));
  }

  synced(position: number): void {
    this.send({ type: "synced", position });
  }

  beginAnew(): void {
    this.close("store_unavailable");
  }

  failed(error: unknown): void {
    this.host.failed(error);
  }

  refuse(error: ChatError, ref?: number, id?: Uuid): void {
    this.send({
      type: "error",
      code: error.code,
      message: forFrame(textOf(error)),
      ...(ref !== undefined && { ref }),
      ...(id !== undefined && { id }),
      ...(error.field !== undefined && { field: error.field }),
      ...(error.limit !== undefined && { limit: error.limit }),
      ...(error.retry_after !== undefined && { retry_after: error.retry_after }),
    });
  }

  /** Whether any byte has come since this was last asked, though it be of a frame that isn't whole yet. */
  readAnything(): boolean {
    const { bytesRead } = this.socket as Socket;
    const before = this.bytesRead;
    this.bytesRead = bytesRead;
    return bytesRead !== before;
  }

  /** Sends what is waiting and closes with the code that goes with an error. */
  close(code: ErrorCode): void {
    if (this.state === "closed" || this.closing) return;
    this.closing = true;
    this.outbox.flush();
    this.ws.close(closeCodeOf(code), ERROR_TEXTS[code]);
    // Or the other side's word that it closes too would never be read.
    this.ws.resume();
  }

  look(now: number): number {
    return this.host.look(this, now);
  }
}
