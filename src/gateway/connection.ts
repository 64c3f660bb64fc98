import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Feed, Subscriber } from "../delivery/feed.js";
import type { MailboxEntry } from "../delivery/mailbox-entry.js";
import { type ChatError, ERRORS, type ErrorCode } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Change, Entry, Message } from "../model/message.js";
import type { ConnectionEntry } from "../ports/connection-registry.js";
import { closeCodeOf } from "../protocol/close-codes.js";
import type { Codec } from "../protocol/codec.js";
import type { ClientFrame, ServerFrame, ServerFrames } from "../protocol/frames.js";
import { HIGH_WATER, Outbox } from "./outbox.js";
import type { Spoke } from "./wheel.js";
import { websocketFrame } from "./websocket-frame.js";

export type ServerCodec = Codec<ClientFrame, ServerFrame>;

/** What a connection needs of its gateway. */
export interface ConnectionHost {
  /** The connection has something to send: flush it at the end of the turn. */
  soon(connection: Connection): void;
  /** It's time to look at the connection; answers in how many seconds to look again, 0 for never. */
  look(connection: Connection, now: number): number;
  failed(error: unknown): void;
}

export type ConnectionState = "greeting" | "opening" | "open" | "closed";

/** One socket, from its upgrade to its close. */
export class Connection implements Subscriber, Spoke {
  state: ConnectionState = "greeting";
  /** The HTTP request, until it has been authenticated. */
  request: IncomingMessage | null;
  user: UserId = "";
  device: Uuid = "";
  entry: ConnectionEntry | null = null;
  feed: Feed | null = null;
  /** Milliseconds since 1970 when the token runs out; 0 for never. */
  expiresAt = 0;
  /** Commands that aren't answered yet. */
  inFlight = 0;
  /** Requests for stored things that aren't answered yet. */
  requests = 0;
  /** Commands wait here for their turn while a hook is asked about an earlier one; null while none is. */
  turn: Promise<void> | null = null;
  /** A command was refused for now: nothing overtakes it until it has come again, or the time (ms) has passed. [R4] */
  owed: { readonly id: Uuid; readonly until: number } | null = null;
  /** Frames that came while the hello was being answered. */
  early: ClientFrame[] = [];
  /** The wheel's second of the last sign of life. */
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

  constructor(
    readonly id: number,
    readonly ws: WebSocket,
    readonly socket: Duplex,
    readonly codec: ServerCodec,
    request: IncomingMessage,
    private readonly host: ConnectionHost,
  ) {
    this.outbox = new Outbox(socket);
    this.request = request;
  }

  get ready(): boolean {
    return this.state !== "closed" && !this.closing && this.outbox.waiting < HIGH_WATER;
  }

  send(frame: ServerFrame): void {
    this.sendFramed(websocketFrame(this.codec.encode(frame)));
  }

  sendFramed(bytes: Uint8Array): void {
    if (this.state === "closed" || this.closing) return;
    this.outbox.push(bytes);
    this.host.soon(this);
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
    const { name } = this.codec;
    let framed = item.framed.get(name);
    if (framed === undefined) {
      framed = websocketFrame(this.codec.encode(entryFrame(entry, item.position, this.device)));
      item.framed.set(name, framed);
    }
    this.sendFramed(framed);
  }

  synced(position: number): void {
    this.send({ type: "synced", position });
  }

  failed(error: unknown): void {
    this.host.failed(error);
  }

  refuse(error: ChatError, ref?: number, id?: Uuid): void {
    this.send({
      type: "error",
      code: error.code,
      message: error.message.slice(0, 256),
      ...(ref !== undefined && { ref }),
      ...(id !== undefined && { id }),
      ...(error.field !== undefined && { field: error.field }),
      ...(error.limit !== undefined && { limit: error.limit }),
      ...(error.retry_after !== undefined && { retry_after: error.retry_after }),
    });
  }

  /** Sends what is waiting and closes with the code that goes with an error. */
  close(code: ErrorCode): void {
    if (this.state === "closed" || this.closing) return;
    this.closing = true;
    this.outbox.flush();
    this.ws.close(closeCodeOf(code), ERRORS[code].text);
  }

  look(now: number): number {
    return this.host.look(this, now);
  }
}

/** The frame of an entry, with the part that is for one device only. */
export function entryFrame(
  entry: Entry,
  position: number | undefined,
  device: Uuid,
): ServerFrames["message"] | ServerFrames["change"] {
  return entry.type === "change" ? changeFrame(entry, position) : messageFrame(entry, position, device);
}

function changeFrame(entry: Change, position: number | undefined): ServerFrames["change"] {
  return position === undefined ? { ...entry } : { ...entry, position };
}

/** Written out, since every message passes here and to spread it costs a microsecond. */
function messageFrame(message: Message, position: number | undefined, device: Uuid): ServerFrames["message"] {
  const { type, conversation, seq, id, sender, sender_device, timestamp, content_type, content } = message;
  const { to, envelopes, silent, mentions } = message;
  const frame: Writable<ServerFrames["message"]> = {
    type,
    conversation,
    seq,
    id,
    sender,
    sender_device,
    timestamp,
    content_type,
    content,
  };
  if (position !== undefined) frame.position = position;
  if (to !== undefined) frame.to = to;
  const own = envelopes?.find(([one]) => one === device)?.[1];
  if (own !== undefined) frame.envelope = own;
  if (silent !== undefined) frame.silent = silent;
  if (mentions !== undefined) frame.mentions = mentions;
  return frame;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
