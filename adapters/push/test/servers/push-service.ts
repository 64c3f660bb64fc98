import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { importJWK, jwtVerify } from "jose";
import type { Certificate } from "./certificate.js";

/** A message as the push service got it. */
export interface PushedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const DAY_S = 24 * 60 * 60;
const MOST_BODY = 4_096;

/** A browser maker's push service as RFC 8030 and RFC 8292 describe it, over real TLS. */
export class PushService {
  readonly messages: PushedMessage[] = [];
  /** Answers given to the next posts in turn. */
  readonly script: (Answer | "reset" | "silence")[] = [];
  /** Paths of subscriptions that have ended, with the status that says so. */
  readonly ended = new Map<string, number>();
  readonly tokens = new Set<string>();
  connections = 0;
  private readonly server: Server;

  /** `publicKey` is what all subscriptions were made with. */
  constructor(
    certificate: Certificate,
    private readonly publicKey: string,
  ) {
    this.server = createServer({ key: certificate.key, cert: certificate.cert });
    this.server.on("secureConnection", () => this.connections++);
    this.server.on("request", async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const message = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) };
      const scripted = this.script.shift();
      if (scripted === "silence") return;
      if (scripted === "reset") return request.socket.destroy();
      const answer = scripted ?? { status: await this.statusOf(message) };
      if (answer.status === 201) this.messages.push(message);
      response.writeHead(answer.status, { location: `${this.origin}/message/1`, ...answer.headers });
      response.end();
    });
  }

  get origin(): string {
    return `https://${this.host}`;
  }

  get host(): string {
    return `localhost:${(this.server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.server.listen(0);
    await once(this.server, "listening");
  }

  private async statusOf({ path, headers, body }: PushedMessage): Promise<number> {
    const { authorization = "", ttl, topic, urgency } = headers;
    const [, jwt = "", key = ""] = /^vapid t=([^,]+), ?k=([\w-]+)$/.exec(authorization) ?? [];
    if (jwt === "") return 401;
    this.tokens.add(jwt);
    if (key !== this.publicKey || !(await this.verified(jwt))) return 403;
    if (ttl === undefined || !/^\d+$/.test(String(ttl))) return 400;
    if (topic !== undefined && !/^[\w-]{1,32}$/.test(String(topic))) return 400;
    if (!["very-low", "low", "normal", "high", undefined].includes(urgency as string)) return 400;
    if (body.length > MOST_BODY) return 413;
    if (body.length > 0 && headers["content-encoding"] !== "aes128gcm") return 400;
    return this.ended.get(path) ?? 201;
  }

  private async verified(jwt: string): Promise<boolean> {
    const point = Buffer.from(this.publicKey, "base64url");
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
    try {
      const key = await importJWK({ kty: "EC", crv: "P-256", x: x as string, y: y as string }, "ES256");
      const { payload } = await jwtVerify(jwt, key, { audience: this.origin, algorithms: ["ES256"] });
      const left = (payload.exp ?? Number.POSITIVE_INFINITY) - Date.now() / 1000;
      return left <= DAY_S && /^(mailto:|https:)/.test(payload.sub ?? "");
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
