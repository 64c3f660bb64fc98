import { ChatError, ERRORS, type ErrorCode } from "../errors.js";
import type { ClientFrame, ClientFrames, ServerFrame, ServerFrames } from "../protocol/frames.js";
import type { Codec } from "../protocol/sub-protocol.js";
import { asChatError } from "./as-chat-error.js";
import { type ClientClock, createTimer, type Timer } from "./clock.js";
import type { Socket } from "./socket.js";

/** The requests that a frame of another type answers, by type. */
interface Answers {
  auth: ServerFrames["ok"];
  pull: ServerFrames["batch"];
  receipts: ServerFrames["watermarks"];
  conversations: ServerFrames["conversation_list"];
  "group.members": ServerFrames["member_list"];
}

type WithoutRef<F> = Omit<F, "ref">;

/** Why a session ended. */
export interface Ending {
  /** The close code; 1006 where there was none. */
  readonly code: number;
  readonly error?: ChatError;
}

export interface SessionEvents {
  opened(session: Session): void;
  frame(session: Session, frame: ServerFrame): void;
  /** Called once; nothing else is called afterwards. */
  ended(session: Session, ending: Ending): void;
  failed(error: ChatError): void;
}

/**
 * One socket from its opening to its end. Everything that belongs to it ends with it: late events of its socket,
 * answers that it waits for, timers. Nothing of it can reach a later session.
 */
export interface Session {
  /** No frame counts any more, though some may still wait to be taken in. */
  ended(): boolean;
  /** A number for the next request or command. */
  nextRef(): number;
  send(frame: ClientFrame): void;
  /** Resolves with the answer; rejects with the server's error, or `timeout` where none comes in this session. */
  request<T extends keyof Answers>(type: T, fields: Omit<WithoutRef<ClientFrames[T]>, "type">): Promise<Answers[T]>;
  /** A frame was taken in: what had to wait may go on. */
  taken(frame: ServerFrame): void;
  /** Ends the session, if it hasn't ended yet. */
  end(ending: Ending): void;
  /** Resolves when the socket is closed, or won't answer. */
  readonly gone: Promise<void>;
}

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: ChatError) => void;
  readonly deadline: Timer;
}

const REQUEST_DEADLINE = 30_000;
/** Milliseconds that the other side has to answer a farewell. */
const FAREWELL = 2_000;
/** Bytes that wait to be taken in: above, reading stops; far above, where it can't be stopped, the session ends. */
const BACKLOG_HIGH = 4_194_304;
const BACKLOG_LOW = 1_048_576;
const BACKLOG_MOST = 33_554_432;

export function createSession(
  socket: Socket,
  codec: Codec<ServerFrame, ClientFrame>,
  clock: ClientClock,
  events: SessionEvents,
): Session {
  const pending = new Map<number, Pending>();
  let ref = 0;
  let backlog = 0;
  let paused = false;
  let ended = false;
  let closed = false;
  let left = (): void => {};
  const gone = new Promise<void>((resolve) => {
    left = resolve;
  });

  function send(frame: ClientFrame): void {
    if (ended) return;
    try {
      socket.send(codec.encode(frame) as Uint8Array<ArrayBuffer> | string);
    } catch (cause) {
      end({ code: 1006, error: asChatError(cause) });
    }
  }

  function end(ending: Ending): void {
    if (ended) return;
    ended = true;
    leave(ending.code);
    for (const ref of [...pending.keys()]) take(ref)?.reject(lost());
    events.ended(session, ending);
  }

  function leave(code: number): void {
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (closed) return left();
    if (paused) socket.resume?.();
    if (code === 1006 && socket.terminate !== undefined) {
      socket.terminate();
      return left();
    }
    const patience = createTimer(clock);
    patience.set(FAREWELL, () => {
      socket.terminate?.();
      left();
    });
    socket.onclose = () => {
      patience.clear();
      left();
    };
    socket.close();
  }

  function message(data: ArrayBuffer | string): void {
    let decoded: ReturnType<typeof codec.decode>;
    try {
      decoded = codec.decode(typeof data === "string" ? data : new Uint8Array(data));
    } catch (cause) {
      return end({ code: 1002, error: asChatError(cause) });
    }
    for (const one of decoded) {
      if (ended) return;
      if (one.error === undefined) received(one.frame);
      // A frame that is newer than this client means nothing to it; one that breaks its own rules is told.
      else if (one.error.code !== "unknown_type") {
        events.failed(one.error);
        take(one.ref)?.reject(one.error);
      }
    }
  }

  function received(frame: ServerFrame): void {
    const asked = take("ref" in frame ? frame.ref : undefined);
    if (asked !== undefined) {
      return frame.type === "error" ? asked.reject(errorOf(frame)) : asked.resolve(frame as never);
    }
    backlog += costOf(frame);
    if (backlog > BACKLOG_MOST) return end({ code: 1006, error: new ChatError("overloaded") });
    if (backlog > BACKLOG_HIGH && !paused && socket.pause !== undefined) {
      paused = true;
      socket.pause();
    }
    events.frame(session, frame);
  }

  function take(ref: number | undefined): Pending | undefined {
    const asked = pending.get(ref ?? 0);
    asked?.deadline.clear();
    pending.delete(ref ?? 0);
    return asked;
  }

  const session: Session = {
    gone,
    send,
    end,
    ended: () => ended,
    nextRef: () => ++ref,
    request: (type, fields) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(lost());
        const deadline = createTimer(clock);
        const own = ++ref;
        deadline.set(REQUEST_DEADLINE, () => take(own)?.reject(new ChatError("timeout")));
        pending.set(own, { resolve, reject, deadline });
        send({ type, ref: own, ...fields } as ClientFrame);
      }),
    taken(frame) {
      backlog -= costOf(frame);
      if (!paused || ended || backlog > BACKLOG_LOW) return;
      paused = false;
      socket.resume?.();
    },
  };

  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    if (socket.protocol === codec.name) events.opened(session);
    else end({ code: 1002, error: new ChatError("incompatible", `The server doesn't speak ${codec.name}.`) });
  };
  socket.onmessage = ({ data }: { data: ArrayBuffer | string }) => message(data);
  socket.onclose = ({ code }: { code: number }) => {
    closed = true;
    end({ code });
  };
  // What went wrong is told by the close that follows.
  socket.onerror = () => {};
  return session;
}

/** The error that an error frame stands for; a code of a newer server's is final. */
export function errorOf({ code, message, field, limit, retry_after }: ServerFrames["error"]): ChatError {
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "refused";
  return new ChatError(known, message || undefined, { field, limit, retry_after });
}

/** About how many bytes a frame holds. */
function costOf(frame: ServerFrame): number {
  return frame.type === "message" ? 512 + frame.content.length : 512;
}

function lost(): ChatError {
  return new ChatError("timeout", "The connection was lost.");
}
