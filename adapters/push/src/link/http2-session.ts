import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { type Exchange, MOST_BODY, type Request } from "./reply.js";

const { NGHTTP2_REFUSED_STREAM, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;
const CONNECT_MS = 5_000;
/** After so long a silence it is asked whether the connection still stands before anything is sent over it. */
const QUIET_MS = 60_000;
const PING_MS = 2_000;

/** What came of a request; `unprocessed` says that the server surely hasn't acted on it. */
export type Sent = Exchange | "unprocessed";

export interface SessionEvents {
  /** Requests may be made, or more than before. */
  ready(): void;
  /** No new requests: the server is going, or gone. `connected` says whether it was there at all. Called once. */
  over(connected: boolean): void;
  /** Everything has ended. Called once, after `over`. */
  gone(): void;
}

/** One HTTP/2 connection, from its making to its end. Never makes more streams than the server allows. */
export class Http2Session {
  private readonly session: ClientHttp2Session;
  private readonly timer: NodeJS.Timeout;
  private cap = 0;
  private streams = 0;
  private connected = false;
  private ended = false;
  private asking = false;
  /** The last stream that the server says it has looked at, once it is going. */
  private lastProcessed = Number.POSITIVE_INFINITY;
  private heard = performance.now();

  constructor(
    url: string,
    ca: string | undefined,
    private readonly maxStreams: number,
    private readonly events: SessionEvents,
  ) {
    this.session = connect(url, ca === undefined ? {} : { ca });
    this.timer = setTimeout(() => this.session.destroy(), CONNECT_MS);
    this.session.on("remoteSettings", ({ maxConcurrentStreams = this.maxStreams }) => {
      clearTimeout(this.timer);
      this.connected = true;
      this.heard = performance.now();
      this.cap = Math.min(maxConcurrentStreams, this.maxStreams);
      this.events.ready();
    });
    this.session.on("goaway", (_code: number, lastStream: number) => {
      this.lastProcessed = Math.min(this.lastProcessed, lastStream);
      this.over();
      this.session.close();
    });
    // An error is followed by "close".
    this.session.on("error", () => {});
    this.session.on("close", () => {
      this.over();
      this.events.gone();
    });
  }

  private over(): void {
    clearTimeout(this.timer);
    if (this.ended) return;
    this.ended = true;
    this.events.over(this.connected);
  }

  /** Whether a request can be made now; if not, `ready` or `over` will be called. */
  isReady(): boolean {
    if (this.ended || this.session.destroyed || this.asking || this.streams >= this.cap) return false;
    if (this.streams > 0 || performance.now() - this.heard < QUIET_MS) return true;
    this.ask();
    return false;
  }

  /** Finds out whether the connection still stands. */
  private ask(): void {
    this.asking = true;
    const timer = setTimeout(() => this.destroy(), PING_MS);
    this.session.ping((error) => {
      clearTimeout(timer);
      this.asking = false;
      if (error !== null) return this.destroy();
      this.heard = performance.now();
      this.events.ready();
    });
  }

  /** Makes a request, only where `isReady`, and answers how to give it up. `done` is called once in any case. */
  request({ path, headers, body }: Request, done: (sent: Sent) => void): () => void {
    const began = performance.now();
    const stream = this.session.request({ ":method": "POST", ":path": path, ...headers });
    this.streams++;
    let status = 0;
    let answered: IncomingHttpHeaders = {};
    let text = "";
    stream.setEncoding("utf8");
    stream.on("response", (given) => {
      this.heard = performance.now();
      status = given[":status"] ?? 0;
      answered = given;
    });
    stream.on("data", (chunk: string) => {
      if (text.length < MOST_BODY) text += chunk.slice(0, MOST_BODY - text.length);
    });
    stream.on("error", () => {});
    stream.on("close", () => {
      this.streams--;
      const whole = status > 0 && stream.rstCode === NGHTTP2_NO_ERROR;
      done(whole ? { status, headers: answered, body: text } : this.failure(stream));
      if (!this.ended) this.events.ready();
    });
    stream.end(body);
    return () => {
      stream.close(NGHTTP2_CANCEL);
      // Not a byte since this request: nobody is there any more, whatever the socket says.
      if (this.heard < began) this.destroy();
    };
  }

  private failure(stream: ClientHttp2Stream): Sent {
    const unprocessed = stream.rstCode === NGHTTP2_REFUSED_STREAM || (stream.id ?? 0) > this.lastProcessed;
    return unprocessed ? "unprocessed" : { trouble: "connection_lost" };
  }

  /** No new requests; those under way may end. */
  close(): void {
    this.over();
    this.session.close();
  }

  /** Ends at once, with all that is under way. */
  destroy(): void {
    this.over();
    this.session.destroy();
  }
}
