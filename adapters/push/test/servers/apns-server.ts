import { once } from "node:events";
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { apnsFault, type DeviceState, type Fault } from "./apns-rules.js";
import { ApnsTokens } from "./apns-tokens.js";
import type { Certificate } from "./certificate.js";

/** A request as APNs got it, and what it answered; null while it hasn't, or never did. */
export interface ApnsRequest {
  readonly device: string;
  readonly headers: IncomingHttpHeaders;
  readonly payload: string;
  readonly session: number;
  status: number | null;
}

export interface ApnsServerOptions {
  readonly certificate: Certificate;
  /** Of the developer's key. */
  readonly publicKey: string;
  readonly keyId: string;
  readonly teamId: string;
  readonly topic: string;
  /** Streams at once on a connection; Apple allows one until it has seen a valid token. */
  readonly streams?: number;
}

/** Answers, given to the next requests in turn in place of the rules'. */
export type Scripted = Fault | "reset" | "silence" | "goaway" | "goaway with an error";

/** Apple's provider API as documented, over real HTTP/2 and TLS, with faults on demand. */
export class ApnsServer {
  readonly requests: ApnsRequest[] = [];
  readonly devices = new Map<string, DeviceState>();
  /** The bearer tokens that were seen. */
  readonly jwts = new Set<string>();
  readonly tokens: ApnsTokens;
  /** Told to requests that come in, the first to the first; 0 is the ordinary answer. */
  readonly script: (Scripted | 0)[] = [];
  /** Milliseconds by which answers are late. */
  slowMs = 0;
  sessions = 0;
  mostStreams = 0;
  /** Streams beyond what was allowed. */
  excess = 0;
  private readonly server: Http2SecureServer;
  private readonly live = new Set<ServerHttp2Session>();
  private readonly streams: number;

  constructor(private readonly options: ApnsServerOptions) {
    this.streams = options.streams ?? 1_000;
    this.tokens = new ApnsTokens(options);
    const { key, cert } = options.certificate;
    this.server = createSecureServer({ key, cert, settings: { maxConcurrentStreams: 1 } });
    this.server.on("session", (session) => this.serve(session));
    this.server.on("sessionError", () => {});
  }

  async listen(port = 0): Promise<string> {
    this.server.listen(port);
    await once(this.server, "listening");
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  private serve(session: ServerHttp2Session): void {
    const state = { number: ++this.sessions, trusted: false, open: 0, last: Number.POSITIVE_INFINITY };
    this.live.add(session);
    session.on("error", () => {});
    session.on("close", () => this.live.delete(session));
    session.on("stream", async (stream, headers) => {
      stream.on("error", () => {});
      if ((stream.id ?? 0) > state.last) return;
      state.open++;
      stream.on("close", () => state.open--);
      this.mostStreams = Math.max(this.mostStreams, state.open);
      if (state.open > (state.trusted ? this.streams : 1)) this.excess++;
      const scripted = this.script.shift() ?? 0;
      if (scripted === "goaway" || scripted === "goaway with an error") {
        state.last = stream.id ?? 0;
        // 0 is no error, 11 is "enhance your calm".
        session.goaway(scripted === "goaway" ? 0 : 11, state.last, Buffer.from('{"reason":"Shutdown"}'));
      }
      const payload = await bodyOf(stream);
      const device = /^\/3\/device\/(.+)$/.exec(headers[":path"] ?? "")?.[1] ?? "";
      const request: ApnsRequest = { device, headers, payload, session: state.number, status: null };
      this.requests.push(request);
      const trust = () => {
        if (state.trusted || session.destroyed) return;
        state.trusted = true;
        session.settings({ maxConcurrentStreams: this.streams });
      };
      await this.answer(request, stream, scripted, trust);
    });
  }

  private async answer(
    request: ApnsRequest,
    stream: ServerHttp2Stream,
    scripted: Scripted | 0,
    trust: () => void,
  ): Promise<void> {
    if (scripted === "silence") return;
    if (scripted === "reset") return stream.session?.destroy();
    const { authorization } = request.headers;
    if (authorization !== undefined) this.jwts.add(authorization);
    const refusal = await this.tokens.refusal(authorization);
    if (refusal === null) trust();
    const ruled = typeof scripted === "object" ? scripted : refusal;
    const fault = ruled ?? apnsFault(request, this.devices.get(request.device), this.options.topic);
    if (this.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.slowMs));
    if (stream.destroyed) return;
    request.status = fault?.status ?? 200;
    const id = String(request.headers["apns-id"] ?? "");
    stream.respond({ ":status": request.status, "apns-id": id, ...fault?.headers });
    const { reason, timestamp } = fault ?? {};
    stream.end(fault === null ? undefined : JSON.stringify({ reason, timestamp }));
  }

  /** The devices that got something, each as often as it did. */
  delivered(): string[] {
    return this.requests.filter(({ status }) => status === 200).map(({ device }) => device);
  }

  async close(): Promise<void> {
    for (const session of this.live) session.destroy();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, "close");
  }
}

async function bodyOf(stream: ServerHttp2Stream): Promise<string> {
  let body = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    body += chunk;
  });
  await once(stream, "end").catch(() => {});
  return body;
}
