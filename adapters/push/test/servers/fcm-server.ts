import { once } from "node:events";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { importSPKI, jwtVerify } from "jose";
import type { Certificate } from "./certificate.js";

export interface FcmServerOptions {
  readonly certificate: Certificate;
  /** Of the service account. */
  readonly publicKey: string;
  readonly email: string;
  readonly project: string;
}

interface FcmAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Message {
  readonly token: string;
  readonly notification?: { readonly title?: string; readonly body?: string };
  readonly data?: Readonly<Record<string, unknown>>;
  readonly android?: Readonly<Record<string, unknown>>;
}

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** An error as Google's APIs put it, with FCM's own code among the details. */
export function fcmError(status: number, name: string, code: string, details: readonly unknown[] = []): FcmAnswer {
  const own = { "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode: code };
  return { status, body: { error: { code: status, status: name, message: code, details: [own, ...details] } } };
}

const UNAUTHENTICATED: FcmAnswer = {
  status: 401,
  body: { error: { code: 401, status: "UNAUTHENTICATED", message: "Request had invalid authentication credentials." } },
};

/** Google's OAuth endpoint and FCM's HTTP v1 as documented, over real HTTP/2 and TLS. */
export class FcmServer {
  readonly messages: Message[] = [];
  /** Of those that were only looked at. */
  validated = 0;
  readonly devices = new Map<string, FcmAnswer>();
  /** Answers given to the next sends in turn. */
  readonly script: FcmAnswer[] = [];
  /** What the OAuth endpoint answers instead of a token. */
  grant: FcmAnswer | null = null;
  grants = 0;
  sessions = 0;
  mostAtOnce = 0;
  slowMs = 0;
  private atOnce = 0;
  private valid = new Set<string>();
  private readonly server: Http2SecureServer;
  private readonly live = new Set<ServerHttp2Session>();
  url = "";

  constructor(private readonly options: FcmServerOptions) {
    const { key, cert } = options.certificate;
    this.server = createSecureServer({ key, cert, allowHTTP1: true, settings: { maxConcurrentStreams: 100 } });
    this.server.on("session", (session) => {
      this.sessions++;
      this.live.add(session);
      session.on("close", () => this.live.delete(session));
    });
    this.server.on("request", async (request, response) => {
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
      const { status, body, headers } = await this.answer(request);
      if (this.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.slowMs));
      this.atOnce--;
      respond(response, status, body, headers);
    });
  }

  async listen(): Promise<void> {
    this.server.listen(0);
    await once(this.server, "listening");
    this.url = `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** Tokens that were given out are void from now on. */
  revoke(): void {
    this.valid = new Set();
  }

  private async answer(request: Http2ServerRequest): Promise<FcmAnswer> {
    let text = "";
    for await (const chunk of request) text += chunk;
    if (request.url === "/token") return this.answerGrant(new URLSearchParams(text));
    if (request.url !== `/v1/projects/${this.options.project}/messages:send`) return { status: 404 };
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (bearer === undefined || !this.valid.has(bearer)) return UNAUTHENTICATED;
    const { message, validate_only } = JSON.parse(text) as { message: Message; validate_only?: boolean };
    const answer = this.script.shift() ?? this.devices.get(message.token) ?? faultOf(message);
    if (answer !== null) return answer;
    if (validate_only === true) this.validated++;
    else this.messages.push(message);
    return { status: 200, body: { name: `projects/${this.options.project}/messages/${this.messages.length}` } };
  }

  private async answerGrant(form: URLSearchParams): Promise<FcmAnswer> {
    this.grants++;
    if (this.grant !== null) return this.grant;
    try {
      const key = await importSPKI(this.options.publicKey, "RS256");
      const { payload } = await jwtVerify(form.get("assertion") ?? "", key, {
        issuer: this.options.email,
        audience: `${this.url}/token`,
        algorithms: ["RS256"],
        maxTokenAge: "1h",
      });
      if (form.get("grant_type") !== GRANT || payload.scope !== SCOPE) throw new Error("not what is documented");
    } catch {
      return { status: 400, body: { error: "invalid_grant", error_description: "Invalid JWT Signature." } };
    }
    const token = `ya29.${this.grants}`;
    this.valid.add(token);
    return { status: 200, body: { access_token: token, expires_in: 3_599, token_type: "Bearer" } };
  }

  async close(): Promise<void> {
    for (const session of this.live) session.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}

/** What FCM says of a message that isn't as documented. */
function faultOf({ token, notification, data = {}, android = {} }: Message): FcmAnswer | null {
  const violation = (field: string) =>
    fcmError(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", [
      { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field, description: "Invalid" }] },
    ]);
  if (!/^[\w:-]{100,}$/.test(token)) return violation("message.token");
  for (const [name, value] of Object.entries(data)) {
    if (typeof value !== "string" || /^(from|message_type|google|gcm)/.test(name)) return violation("message.data");
  }
  if (android.ttl !== undefined && !/^\d+(\.\d+)?s$/.test(String(android.ttl))) return violation("message.android.ttl");
  if (!["NORMAL", "HIGH", undefined].includes(android.priority as string)) return violation("message.android.priority");
  return Buffer.byteLength(JSON.stringify({ notification, data })) > 4_096 + 1_024 ? violation("message") : null;
}

function respond(
  response: Http2ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body ?? {}));
}
