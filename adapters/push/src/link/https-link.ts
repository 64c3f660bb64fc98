import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { type Exchange, MOST_BODY, type Request } from "./reply.js";

export interface HttpsLinkOptions {
  /** Certificates (PEM) to trust instead of the well-known ones. */
  readonly ca: string | undefined;
  /** Milliseconds within which each exchange ends, waiting included. */
  readonly deadlineMs: number;
  /** Connections to one server; what is more waits. */
  readonly maxSockets: number;
  /** Exchanges at once, those that wait included; beyond, `overloaded`. */
  readonly maxUnanswered: number;
}

/** The way to any number of servers over HTTP/1.1, connections being kept. Follows no redirection. */
export class HttpsLink {
  private readonly secure: HttpsAgent;
  private readonly plain: HttpAgent;
  private readonly unanswered = new Set<Promise<Exchange>>();
  private closed = false;

  constructor(private readonly options: HttpsLinkOptions) {
    const { ca, maxSockets } = options;
    const kept = { keepAlive: true, maxSockets };
    this.secure = new HttpsAgent(ca === undefined ? kept : { ...kept, ca });
    this.plain = new HttpAgent(kept);
  }

  /** Posts to the path at an origin such as `https://push.example`. */
  exchange(origin: string, request: Request): Promise<Exchange> {
    if (this.closed) return Promise.resolve({ trouble: "closed" });
    if (this.unanswered.size >= this.options.maxUnanswered) return Promise.resolve({ trouble: "overloaded" });
    const exchange = this.post(origin, request).finally(() => this.unanswered.delete(exchange));
    this.unanswered.add(exchange);
    return exchange;
  }

  private post(origin: string, { path, headers, body }: Request): Promise<Exchange> {
    return new Promise((resolve) => {
      const secure = origin.startsWith("https:");
      const given = { method: "POST", headers: { ...headers, "content-length": Buffer.byteLength(body) } };
      const url = new URL(path, origin);
      let connected = false;
      const request: ClientRequest = secure
        ? httpsRequest(url, { ...given, agent: this.secure })
        : httpRequest(url, { ...given, agent: this.plain });
      const timer = setTimeout(() => {
        resolve({ trouble: "timeout" });
        request.destroy();
      }, this.options.deadlineMs);
      const end = (exchange: Exchange) => {
        clearTimeout(timer);
        resolve(exchange);
      };
      request.on("socket", (socket) => {
        connected = !socket.connecting;
        socket.once(secure ? "secureConnect" : "connect", () => {
          connected = true;
        });
      });
      request.on("response", (response) => read(response, end));
      request.on("error", () => end({ trouble: connected ? "connection_lost" : "unreachable" }));
      request.end(body);
    });
  }

  /** Lets what is under way end, which it does within the deadline. Idempotent. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.unanswered);
    this.secure.destroy();
    this.plain.destroy();
  }
}

function read(response: IncomingMessage, end: (exchange: Exchange) => void): void {
  let body = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    if (body.length < MOST_BODY) body += chunk.slice(0, MOST_BODY - body.length);
  });
  response.on("end", () => end({ status: response.statusCode ?? 0, headers: response.headers, body }));
  response.on("error", () => end({ trouble: "connection_lost" }));
}
