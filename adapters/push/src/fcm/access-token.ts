import { importPKCS8, SignJWT } from "jose";
import { ChatError } from "sentseen/ports";
import { retry, troubled, type Verdict } from "../link/breaker.js";
import type { HttpsLink } from "../link/https-link.js";
import { jsonOf, type Reply, retryAfterOf } from "../link/reply.js";

/** What Google's JSON file of a service account holds that is needed here. */
export interface ServiceAccount {
  readonly project_id: string;
  readonly client_email: string;
  readonly private_key: string;
  readonly private_key_id?: string;
  /** Default `https://oauth2.googleapis.com/token`. */
  readonly token_uri?: string;
}

type Signer = Awaited<ReturnType<typeof importPKCS8>>;

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_URI = "https://oauth2.googleapis.com/token";
const ASSERTION_S = 3_600;
/** So long before it expires a token is made anew. */
const MARGIN_MS = 5 * 60 * 1000;

/** An access token, or why there is none. */
export type Access = { readonly token: string } | { readonly verdict: Verdict };

/** The OAuth access token of a service account: asked for once, however many wait for it, and used until near its end. */
export class AccessToken {
  private signer: Signer | null = null;
  private current: { readonly token: string; readonly until: number } | null = null;
  private asking: Promise<Access> | null = null;

  constructor(
    private readonly account: ServiceAccount,
    private readonly link: HttpsLink,
  ) {}

  /** Reads the key. Rejects with `config` where it is none. */
  async open(): Promise<void> {
    try {
      this.signer = await importPKCS8(this.account.private_key, "RS256");
    } catch (cause) {
      const text = "serviceAccount must be the parsed JSON file from Google: private_key isn't a key.";
      throw new ChatError("config", text, { field: "serviceAccount", cause });
    }
  }

  async get(): Promise<Access> {
    if (this.current !== null && Date.now() < this.current.until) return this.current;
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  /** Google refuses this token: the next `get` asks for another. */
  drop(token: string): void {
    if (this.current?.token === token) this.current = null;
  }

  private async ask(): Promise<Access> {
    const uri = new URL(this.account.token_uri ?? TOKEN_URI);
    const body = new URLSearchParams({ grant_type: GRANT, assertion: await this.assertion(uri.href) }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const asked = Date.now();
    const exchange = await this.link.exchange(uri.origin, { path: uri.pathname, headers, body });
    if ("trouble" in exchange) return { verdict: troubled(exchange) };
    return this.taken(exchange, asked);
  }

  private taken(reply: Reply, asked: number): Access {
    const { access_token: token, expires_in: seconds, error } = jsonOf(reply.body);
    if (reply.status === 200 && typeof token === "string" && typeof seconds === "number") {
      this.current = { token, until: asked + Math.max(0, seconds * 1000 - MARGIN_MS) };
      return this.current;
    }
    const reason = typeof error === "string" ? error : `status_${reply.status}`;
    return { verdict: retry(`access_token_${reason}`, retryAfterOf(reply.headers), "down") };
  }

  private assertion(audience: string): Promise<string> {
    if (this.signer === null) throw new ChatError("closed", "The provider isn't open.");
    const { client_email, private_key_id } = this.account;
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: client_email, scope: SCOPE, aud: audience, iat: now, exp: now + ASSERTION_S })
      .setProtectedHeader({
        alg: "RS256",
        typ: "JWT",
        ...(private_key_id === undefined ? {} : { kid: private_key_id }),
      })
      .sign(this.signer);
  }
}
