import { ChatError, ERRORS, type ErrorCode } from "../errors.js";
import { comesBack } from "../protocol/close-codes.js";
import type { ClientFrames, ServerFrame, ServerFrames } from "../protocol/frames.js";
import { MSGPACK_CLIENT } from "../protocol/msgpack-codec.js";
import { MSGPACK } from "../protocol/sub-protocol.js";
import { asChatError } from "./as-chat-error.js";
import { createBackoff } from "./backoff.js";
import { type ClientClock, createTimer } from "./clock.js";
import type { ChatState } from "./events.js";
import { createLiveness, type Liveness } from "./liveness.js";
import { createSession, type Ending, type Session } from "./session.js";
import type { SocketConstructor } from "./socket.js";
import { askToken, refreshDelay, type Token, type TokenSource } from "./token.js";

export interface ConnectionOptions {
  readonly url: string;
  readonly token: TokenSource;
  readonly webSocket: SocketConstructor;
  readonly clock: ClientClock;
  readonly random: () => number;
}

/** What a connection needs of its client. */
export interface ConnectionHost {
  /** What hello says of the device, when everything that came before is stored. */
  introduce(): Promise<Omit<ClientFrames["hello"], "type" | "token">>;
  welcomed(session: Session, welcome: ServerFrames["welcome"]): void;
  frame(session: Session, frame: ServerFrame): void;
  /** The session is over, welcomed or not. */
  ended(session: Session, ending: Ending): void;
  /** A ping is about to be sent; answers the device's position. */
  pinged(): number | undefined;
  changed(state: ChatState, reason?: ChatError): void;
  failed(error: ChatError): void;
}

/**
 * Keeps at most one session open. Whatever ends one, one timer begins the next: after a jittered back-off that starts
 * over only when a server has said welcome, or after what the server asked for. What an older attempt still brings is
 * told by its generation and dropped.
 */
export interface Connection {
  /** Connects, and goes on doing so, until `stop`. */
  start(): void;
  /** Ends the session and waits for nothing more. Resolves when the socket is gone. */
  stop(): Promise<void>;
  /** Ends the session because of a fault; another one follows after a while. */
  drop(error: ChatError): void;
  /** Looks at the connection at once: something happened to the device or the network. */
  wake(): void;
  /** Pings now. */
  check(): void;
  /** Something is sent: if the device has slept, it's found out now. */
  suspect(): void;
  /** What came in earlier has been taken in, which is a sign of life too. */
  heard(): void;
}

/** How long a server may take from the beginning of a connection to welcome. */
const GREETING_DEADLINE = 15_000;
/** The least delay after a token was refused: whoever grants tokens isn't asked in a hot loop. */
const TOKEN_PAUSE = 1_000;
/** Waking up doesn't bring attempts closer together than this. */
const WAKE_PAUSE = 1_000;

export function createConnection(options: ConnectionOptions, host: ConnectionHost): Connection {
  const { url, token: source, webSocket, clock, random } = options;
  const again = createTimer(clock);
  const greeting = createTimer(clock);
  const refresh = createTimer(clock);
  const backoff = createBackoff(random);
  let generation = 0;
  let session: Session | undefined;
  let liveness: Liveness | undefined;
  let wanted = false;
  /** What the server asked to be waited. */
  let ordered: number | undefined;
  let attemptedAt = 0;

  async function attempt(): Promise<void> {
    const own = ++generation;
    ordered = undefined;
    attemptedAt = clock.now();
    host.changed("connecting");
    try {
      const token = await askToken(source, clock);
      if (own !== generation) return;
      session = createSession(new webSocket(url, [MSGPACK]), MSGPACK_CLIENT, clock, {
        opened: (opened) => void greet(opened, token),
        frame: (from, frame) => receive(from, frame, token),
        ended: sessionEnded,
        failed: host.failed,
      });
      greeting.set(GREETING_DEADLINE, () => drop(new ChatError("timeout", "No welcome in time.")));
    } catch (cause) {
      if (own === generation) wait(asChatError(cause, "config"));
    }
  }

  async function greet(opened: Session, { token }: Token): Promise<void> {
    try {
      opened.send({ type: "hello", token, ...(await host.introduce()) });
    } catch (cause) {
      opened.end({ code: 1006, error: asChatError(cause) });
    }
  }

  function receive(from: Session, frame: ServerFrame, token: Token): void {
    liveness?.heard();
    if (frame.type === "welcome") return welcome(from, frame, token);
    if (frame.type === "goaway") ordered = frame.retry_after;
    if (frame.type === "error" && frame.ref === undefined && frame.id === undefined) {
      ordered = frame.retry_after ?? ordered;
    }
    host.frame(from, frame);
  }

  function welcome(from: Session, frame: ServerFrames["welcome"], token: Token): void {
    greeting.clear();
    backoff.reset();
    liveness?.stop();
    liveness = createLiveness(
      clock,
      frame.limits.idle_seconds * 500,
      () => {
        const position = host.pinged();
        from.send(position === undefined ? { type: "ping" } : { type: "ping", position });
      },
      () => drop(new ChatError("idle")),
    );
    refreshLater(from, token);
    host.welcomed(from, frame);
  }

  function refreshLater(from: Session, token: Token): void {
    const delay = refreshDelay(token, clock.now());
    if (delay !== undefined) refresh.set(delay, () => void refreshToken(from, token));
  }

  async function refreshToken(from: Session, before: Token): Promise<void> {
    let token = before;
    try {
      const fresh = await askToken(source, clock);
      await from.request("auth", { token: fresh.token });
      token = fresh;
    } catch (cause) {
      if (!from.ended()) host.failed(asChatError(cause));
    }
    if (!from.ended()) refreshLater(from, token);
  }

  function sessionEnded(from: Session, ending: Ending): void {
    session = undefined;
    generation++;
    greeting.clear();
    refresh.clear();
    liveness?.stop();
    liveness = undefined;
    host.ended(from, ending);
    if (!wanted) return;
    const error = ending.error ?? errorOfClose(ending.code);
    if (comesBack(ending.code)) return wait(error);
    wanted = false;
    host.changed("idle", error);
  }

  function wait(error: ChatError): void {
    const least = error.code === "token_refused" ? TOKEN_PAUSE : 0;
    again.set(ordered ?? least + backoff.next(), attempt);
    host.changed("waiting", error);
  }

  function drop(error: ChatError): void {
    session?.end({ code: 1006, error });
  }

  return {
    drop,
    start() {
      if (wanted) return;
      wanted = true;
      backoff.reset();
      void attempt();
    },
    async stop() {
      wanted = false;
      generation++;
      again.clear();
      const last = session;
      last?.end({ code: 1000 });
      await last?.gone;
    },
    wake() {
      if (!again.running()) return liveness?.check();
      // A server that asked to be left alone is; and nobody hammers at it by changing tabs.
      if (ordered !== undefined || clock.now() - attemptedAt < WAKE_PAUSE) return;
      again.clear();
      void attempt();
    },
    check: () => liveness?.check(),
    suspect: () => liveness?.suspect(),
    heard: () => liveness?.heard(),
  };
}

/** The error that a close code stands for. */
function errorOfClose(code: number): ChatError {
  for (const [name, entry] of Object.entries(ERRORS)) {
    if ("close" in entry && entry.close === code) return new ChatError(name as ErrorCode);
  }
  const name = code === 1009 ? "too_large" : comesBack(code) ? "timeout" : "refused";
  return new ChatError(name, `The connection was closed (${code}).`);
}
