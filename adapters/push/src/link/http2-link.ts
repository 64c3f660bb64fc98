import { Fifo } from "./fifo.js";
import { Http2Session } from "./http2-session.js";
import type { Exchange, Request } from "./reply.js";

export interface Http2LinkOptions {
  readonly url: string;
  /** Certificates (PEM) to trust instead of the well-known ones. */
  readonly ca: string | undefined;
  /** Milliseconds within which each exchange ends, waiting included. */
  readonly deadlineMs: number;
  /** Requests under way at once; fewer where the server allows fewer. */
  readonly maxStreams: number;
  /** Requests that may wait for their turn; beyond, `overloaded`. */
  readonly maxWaiting: number;
}

/** How often a request is made again that the server surely hasn't looked at. */
const MOST_REPETITIONS = 3;

interface Pending {
  readonly request: Request;
  readonly resolve: (exchange: Exchange) => void;
  readonly timer: NodeJS.Timeout;
  repetitions: number;
  ended: boolean;
  giveUp: (() => void) | null;
}

/**
 * The way to one server over one long HTTP/2 connection at a time. When the server says it is going (GOAWAY), what it
 * hasn't looked at goes over a new one at once, and what it has looked at is still answered over the old one.
 */
export class Http2Link {
  private readonly waiting = new Fifo<Pending>();
  private readonly sessions = new Set<Http2Session>();
  private current: Http2Session | null = null;
  private unanswered = 0;
  private closed = false;
  private readonly whenIdle: (() => void)[] = [];

  constructor(private readonly options: Http2LinkOptions) {}

  exchange(request: Request): Promise<Exchange> {
    if (this.closed) return Promise.resolve({ trouble: "closed" });
    if (this.waiting.length >= this.options.maxWaiting) return Promise.resolve({ trouble: "overloaded" });
    return new Promise((resolve) => {
      const pending: Pending = {
        request,
        resolve,
        timer: setTimeout(() => this.late(pending), this.options.deadlineMs),
        repetitions: 0,
        ended: false,
        giveUp: null,
      };
      this.unanswered++;
      this.waiting.push(pending);
      this.pump();
    });
  }

  private pump(): void {
    if (this.waiting.length > 0) this.current ??= this.connect();
    while (this.waiting.length > 0 && this.current?.isReady()) {
      const pending = this.waiting.shift();
      if (pending !== undefined && !pending.ended) this.make(pending, this.current);
    }
  }

  private connect(): Http2Session {
    const { url, ca, maxStreams } = this.options;
    const session: Http2Session = new Http2Session(url, ca, maxStreams, {
      ready: () => {
        if (this.current === session) this.pump();
      },
      over: (connected) => this.over(session, connected),
      gone: () => this.sessions.delete(session),
    });
    this.sessions.add(session);
    return session;
  }

  private make(pending: Pending, session: Http2Session): void {
    pending.giveUp = session.request(pending.request, (sent) => {
      pending.giveUp = null;
      if (pending.ended) return;
      if (sent !== "unprocessed") return this.end(pending, sent);
      if (pending.repetitions++ >= MOST_REPETITIONS || this.closed) {
        return this.end(pending, { trouble: "connection_lost" });
      }
      this.waiting.push(pending);
      this.pump();
    });
  }

  private over(session: Http2Session, connected: boolean): void {
    if (this.current !== session) return;
    this.current = null;
    if (connected && !this.closed) return this.pump();
    // What waits for a server that can't be reached would only come to its deadline.
    for (let pending = this.waiting.shift(); pending !== undefined; pending = this.waiting.shift()) {
      this.end(pending, { trouble: this.closed ? "closed" : "unreachable" });
    }
  }

  private late(pending: Pending): void {
    const { giveUp } = pending;
    this.end(pending, { trouble: "timeout" });
    giveUp?.();
  }

  private end(pending: Pending, exchange: Exchange): void {
    if (pending.ended) return;
    pending.ended = true;
    clearTimeout(pending.timer);
    pending.resolve(exchange);
    if (--this.unanswered === 0) for (const resolve of this.whenIdle.splice(0)) resolve();
  }

  /** Answers what waits with `closed`, and lets what is under way end, which it does within the deadline. Idempotent. */
  async close(): Promise<void> {
    this.closed = true;
    this.current?.close();
    if (this.unanswered > 0) await new Promise<void>((resolve) => this.whenIdle.push(resolve));
    for (const session of this.sessions) session.destroy();
  }
}
