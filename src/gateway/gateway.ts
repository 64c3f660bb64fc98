import { randomInt } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { ChatError, type ErrorCode, isChatError } from "../errors.js";
import type { Answer, Command } from "../model/command.js";
import type { UserId } from "../model/ids.js";
import type { Receipt } from "../model/receipt.js";
import type { ConnectionEntry } from "../ports/connection-registry.js";
import type { Offset } from "../ports/queue.js";
import {
  GREETING_BYTES,
  GREETING_FRAMES,
  GREETING_SECONDS,
  MESSAGE_BYTES,
  MESSAGE_FRAGMENTS,
} from "../protocol/bounds.js";
import { SUB_PROTOCOLS } from "../protocol/codec.js";
import { type ClientFrame, PAGE, type ServerFrame } from "../protocol/frames.js";
import { refusal } from "./admission.js";
import { Connection, type ConnectionHost } from "./connection.js";
import { DirectIds } from "./direct-ids.js";
import { Directory } from "./directory.js";
import { Framing } from "./framing.js";
import { greet } from "./greet.js";
import { handleFrame } from "./handle-frame.js";
import { HostCalls } from "./host-calls.js";
import { Publisher } from "./publisher.js";
import type { Services } from "./services.js";
import { SharedAllowances } from "./shared-allowance.js";
import { type Allowance, TokenBucket } from "./token-bucket.js";
import { Turn } from "./turn.js";
import { turnAway } from "./turn-away.js";
import { pongFrame } from "./websocket-frame.js";
import { Wheel } from "./wheel.js";

/** A socket that takes nothing for so long is given up. */
const SLOW_SECONDS = 60;
/** How often a connection is looked at whose token runs out. */
const EXPIRY_SECONDS = 5;
/** A command that isn't answered for so long may never be: its connection begins anew, and the client asks again. */
const ANSWER_SECONDS = 60;

/** The options of the WebSocket server. */
export const WEBSOCKET_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  // Pongs go through the outbox like everything else, or those who don't read could make them pile up. [R6]
  autoPong: false,
  maxPayload: MESSAGE_BYTES,
  maxFragments: MESSAGE_FRAGMENTS,
} as const;

/** What is answered: a command, as far as its answer names it. */
export type Answered = Pick<Command, "origin" | "id" | "conversation">;

/** How a user's allowance begins: counted for all gateways together where there is somebody to do that. */
function allowances({ rate, rateLimiter, now, events }: Services): (user: UserId, now: number) => Allowance {
  if (rateLimiter === null) return (_user, at) => new TokenBucket(rate, at);
  const shared = new SharedAllowances(rate, rateLimiter, events.failed, now);
  return (user, at) => shared.of(user, at);
}

/** Holds the sockets: lets them in, reads their frames, sends them theirs, and sees that they are alive. */
export class Gateway implements ConnectionHost {
  readonly directory: Directory;
  readonly hostCalls = new HostCalls();
  readonly directIds = new DirectIds(100_000);
  readonly publisher: Publisher;
  /** Milliseconds to wait that a turned-away client is told; 0 while clients are welcome. */
  private draining = 0;

  private readonly wheel: Wheel;
  private readonly websockets = new WebSocketServer({
    ...WEBSOCKET_OPTIONS,
    handleProtocols: (offered) => SUB_PROTOCOLS.find((name) => offered.has(name)) ?? false,
  });
  private readonly framings = new Map<string, Framing>(SUB_PROTOCOLS.map((name) => [name, new Framing(name)]));
  private nextId = 1;
  private readonly turn = new Turn((connection) => this.write(connection));

  constructor(readonly services: Services) {
    this.directory = new Directory(allowances(services));
    this.wheel = new Wheel(Math.max(GREETING_SECONDS, services.limits.idle_seconds));
    this.wheel.start();
    this.publisher = new Publisher(services.publish, (command, error) => this.publishFailed(command, error));
  }

  /** Takes an upgrade request that is for this gateway. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const full = this.directory.size >= this.services.maxConnections;
    const refused = refusal(this.services, request, this.draining > 0 ? "draining" : full ? "overloaded" : null);
    if (refused !== null) {
      turnAway(socket, refused);
      return;
    }
    this.websockets.handleUpgrade(request, socket, head, (ws) => this.opened(ws, socket, request));
  }

  private opened(ws: WebSocket, socket: Duplex, request: IncomingMessage): void {
    const framing = this.framings.get(ws.protocol) as Framing;
    const connection = new Connection(this.nextId++, ws, socket, framing, request, this, this.wheel.now);
    this.directory.add(connection);
    this.wheel.add(connection, 1);
    let greetingBytes = 0;
    const greeted = (chunk: Buffer): void => {
      // Later on each of these calls would cost as much as a tenth of reading what came.
      if (connection.state === "open") socket.off("data", greeted);
      else greetingBytes += chunk.length;
      if (greetingBytes > GREETING_BYTES) this.end(connection, "malformed");
    };
    socket.on("data", greeted);
    socket.on("drain", () => this.drained(connection));
    ws.on("message", (data: RawData, binary: boolean) => this.received(connection, data as Buffer, binary));
    ws.on("ping", (data: Buffer) => this.pinged(connection, data));
    ws.on("pong", () => this.seen(connection));
    ws.on("error", () => ws.terminate());
    ws.on("close", (code: number) => this.closed(connection, code));
  }

  private seen(connection: Connection): void {
    connection.seen = this.wheel.now;
  }

  private pinged(connection: Connection, data: Buffer): void {
    this.seen(connection);
    connection.sendFramed(pongFrame(data));
  }

  private received(connection: Connection, data: Buffer, binary: boolean): void {
    this.seen(connection);
    if (connection.state === "closed" || connection.closing) return;
    try {
      if (data.length > this.services.limits.frame) {
        throw new ChatError("too_large", "The message is too large.", { limit: this.services.limits.frame });
      }
      for (const decoded of connection.framing.codec.decode(binary ? data : data.toString())) {
        if (decoded.error === undefined) this.frame(connection, decoded.frame);
        else this.undecodable(connection, decoded.error, decoded.ref);
      }
    } catch (error) {
      this.contain(connection, error);
    }
  }

  private undecodable(connection: Connection, error: ChatError, ref: number | undefined): void {
    if (connection.state === "open") connection.refuse(error, ref);
    else this.end(connection, "unauthenticated", error);
  }

  private frame(connection: Connection, frame: ClientFrame): void {
    switch (connection.state) {
      case "open":
        handleFrame(this, connection, frame);
        return;
      case "greeting":
        if (frame.type !== "hello") this.end(connection, "unauthenticated");
        else {
          greet(this, connection, frame).catch((error: unknown) => this.contain(connection, error));
        }
        return;
      case "opening":
        if (connection.early.length >= GREETING_FRAMES) this.end(connection, "malformed");
        else connection.early.push(frame);
        return;
      case "closed":
    }
  }

  /** The connection is let in: frames that came meanwhile have their turn. */
  admitted(connection: Connection): void {
    connection.state = "open";
    this.directory.identify(connection);
    const { early } = connection;
    connection.early = [];
    try {
      for (const frame of early) handleFrame(this, connection, frame);
    } catch (error) {
      this.contain(connection, error);
    }
  }

  /** What a frame's handling threw concerns its connection alone. */
  contain(connection: Connection, error: unknown): void {
    const known = isChatError(error) ? error : new ChatError("internal", undefined, { cause: error });
    if (known.code === "internal") this.failed(error);
    if (known.code === "too_large" && connection.state === "open") connection.refuse(known);
    else this.end(connection, known.code === "too_large" ? "malformed" : known.code, known);
  }

  /** Tells a connection why, and closes it. */
  end(connection: Connection, code: ErrorCode, error: ChatError = new ChatError(code)): void {
    if (connection.state === "closed" || connection.closing) return;
    connection.refuse(error);
    connection.close(code);
  }

  private closed(connection: Connection, close_code: number): void {
    if (connection.state === "closed") return;
    const { user, device, entry } = connection;
    const admitted = connection.state === "open";
    connection.state = "closed";
    connection.request = null;
    connection.early = [];
    this.directory.remove(connection, this.services.now());
    this.wheel.remove(connection);
    connection.detach?.();
    if (entry !== null) this.leave(entry);
    if (admitted) this.services.events.disconnected({ user, device, close_code });
  }

  /**
   * Ends the connection of an entry. An entry of another generation isn't meant; one that its connection hasn't been
   * told of yet is. One that nothing takes the place of leaves the registry at once, however long its client takes.
   */
  endEntry(entry: ConnectionEntry, why: "replaced" | "disconnected"): void {
    const connection = this.directory.get(entry.connection_id);
    if (connection !== undefined) {
      if ((connection.entry ?? entry).generation !== entry.generation) return;
      this.end(connection, why);
    }
    if (why === "disconnected") this.leave(entry);
  }

  private leave(entry: ConnectionEntry): void {
    this.services.session.unregister(entry).catch((error: unknown) => this.failed(error));
  }

  // ── what goes out ────────────────────────────────────────────────────────────────────────────────────────────────

  soon(connection: Connection): void {
    this.turn.soon(connection);
  }

  later(connection: Connection): void {
    this.turn.later(connection);
  }

  /** Writes what the turn produced, one write for each socket. */
  flush(): void {
    this.turn.end();
  }

  private write(connection: Connection): void {
    connection.flush();
    if (!connection.ready) this.stuck(connection);
    // A socket that took everything at once has nothing to say of it later.
    else if (connection.slowSince >= 0) this.drained(connection);
    else connection.feed?.resume();
  }

  /**
   * A connection that takes nothing isn't read from either: what it asks for would only pile up. [R6] Its socket says
   * when it has taken everything.
   */
  stuck(connection: Connection): void {
    if (connection.slowSince >= 0 || connection.closing) return;
    connection.slowSince = this.wheel.now;
    connection.ws.pause();
  }

  private drained(connection: Connection): void {
    connection.slowSince = -1;
    this.readOn(connection);
    if (connection.staleReceipts) {
      connection.staleReceipts = false;
      connection.send({ type: "stale" });
    }
    connection.feed?.resume();
  }

  /** Answers the command of a connection of this node, or of its host. */
  answer({ origin, id, conversation }: Answered, answer: Answer, offset: Offset): void {
    if (origin.node !== this.services.node) return;
    if (origin.connection === 0) {
      this.hostCalls.answer(origin.ref, answer);
      return;
    }
    const connection = this.directory.get(origin.connection);
    if (connection === undefined) return;
    connection.unanswered.remove(origin.ref);
    this.readOn(connection);
    if (!answer.ok) {
      const { code, field, limit } = answer;
      connection.refuse(new ChatError(code, undefined, { field, limit }), origin.ref, id);
      return;
    }
    const { seq, timestamp } = answer;
    // The acknowledgement stands for the entry where everything before it has been delivered. Written out twice, since
    // to spread one into the other costs a microsecond.
    const frame: ServerFrame = connection.feed?.isAt(offset)
      ? { type: "ack", ref: origin.ref, id, conversation, seq, timestamp, position: offset }
      : { type: "ack", ref: origin.ref, id, conversation, seq, timestamp };
    connection.send(frame);
  }

  /** Reads on from a connection, unless it has too much unanswered or unsent. [R6] */
  private readOn(connection: Connection): void {
    const { ws, inFlight, slowSince } = connection;
    if (!ws.isPaused || slowSince >= 0 || inFlight >= this.services.limits.in_flight) return;
    connection.seen = this.wheel.now;
    ws.resume();
  }

  /** A command may not have been stored: those behind it mustn't overtake it, so its connection begins anew. [R4] */
  private publishFailed(command: Command, cause: unknown): void {
    this.failed(cause);
    const error = new ChatError("store_unavailable", undefined, { cause });
    if (command.origin.connection === 0) {
      this.hostCalls.fail(command.origin.ref, error);
      return;
    }
    const connection = this.directory.get(command.origin.connection);
    if (connection === undefined) return;
    connection.refuse(error, command.origin.ref, command.id);
    connection.close("store_unavailable");
  }

  /** Sends watermarks to the live connections of a user. */
  forwardReceipts(user: UserId, receipts: readonly Receipt[]): void {
    for (let from = 0; from < receipts.length; from += PAGE) {
      const frame: ServerFrame = { type: "receipt", watermarks: receipts.slice(from, from + PAGE) };
      const framed = new Map<Framing, Uint8Array>();
      for (const connection of this.directory.of(user)) {
        if (!connection.ready) {
          connection.staleReceipts = true;
          continue;
        }
        const { framing } = connection;
        const bytes = framed.get(framing) ?? framing.frame(frame);
        framed.set(framing, bytes);
        connection.sendLater(bytes);
      }
    }
  }

  // ── whether they are alive ───────────────────────────────────────────────────────────────────────────────────────

  look(connection: Connection, second: number): number {
    if (connection.state === "closed") return 0;
    if (connection.closing) {
      // It was told to close a second ago, at least, and is still there.
      connection.ws.terminate();
      return 1;
    }
    if (connection.state !== "open") {
      if (second - connection.since >= GREETING_SECONDS) this.end(connection, "hello_timeout");
      return 1;
    }
    const idle = this.services.limits.idle_seconds;
    // Who isn't read from can't show life.
    if (second - connection.seen >= idle && connection.readAnything()) this.seen(connection);
    const silent = connection.ws.isPaused ? 0 : second - connection.seen;
    if (silent >= idle) {
      connection.close("idle");
      return 1;
    }
    if (connection.slowSince >= 0 && second - connection.slowSince >= SLOW_SECONDS) {
      connection.close("slow");
      return 1;
    }
    if (connection.unanswered.late(second, ANSWER_SECONDS)) {
      this.end(connection, "store_unavailable");
      return 1;
    }
    const half = Math.ceil(idle / 2);
    if (silent >= half) {
      connection.ws.ping();
      connection.readAnything();
    }
    const next = silent >= half ? idle - silent : half - silent;
    return Math.min(next, ANSWER_SECONDS, this.untilExpiry(connection));
  }

  /** Seconds until the token has to be looked at; closes the connection where it has run out. */
  private untilExpiry(connection: Connection): number {
    if (connection.expiresAt === 0) return Number.POSITIVE_INFINITY;
    const left = Math.ceil((connection.expiresAt - this.services.now()) / 1_000);
    if (left <= 0) this.end(connection, "token_refused");
    // The clock may jump, and a fresh token may run out sooner than the last.
    return Math.min(Math.max(1, left), EXPIRY_SECONDS);
  }

  failed(error: unknown): void {
    this.services.events.failed(error);
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Turns newcomers away and tells everyone to come back, each after another while within `spreadMs`; resolves when
   * what was accepted is answered, or the deadline has passed.
   */
  async drain(spreadMs: number, deadlineMs: number): Promise<void> {
    this.draining = Math.max(1_000, spreadMs);
    for (const connection of this.directory.all()) {
      if (connection.state !== "open") continue;
      connection.send({ type: "goaway", code: "draining", retry_after: spreadMs > 0 ? randomInt(spreadMs) : 0 });
    }
    const until = performance.now() + deadlineMs;
    const open = (): boolean =>
      this.hostCalls.size > 0 || [...this.directory.all()].some(({ inFlight }) => inFlight > 0);
    while (open() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Closes every socket; resolves when all are gone. */
  async close(deadlineMs: number): Promise<void> {
    this.draining ||= 1_000;
    const all = [...this.directory.all()];
    const gone = Promise.all(all.map(({ ws }) => new Promise((resolve) => ws.once("close", resolve))));
    for (const connection of all) connection.close("draining");
    const late = setTimeout(() => {
      for (const { ws } of all) ws.terminate();
    }, deadlineMs);
    await gone;
    clearTimeout(late);
    this.wheel.stop();
    this.turn.close();
    this.hostCalls.close();
  }

  /** Ends every connection for the same reason, or only those that wait for answers to their commands. */
  endAll(code: ErrorCode, waitingOnly = false): void {
    for (const connection of this.directory.all()) {
      if (!waitingOnly || connection.inFlight > 0) this.end(connection, code);
    }
  }
}
