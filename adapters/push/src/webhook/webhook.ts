import { createHmac } from "node:crypto";
import { ChatError, CONTRACT, type Push, type PushProvider, type PushResult } from "sentseen/ports";
import { Breaker, dead, refused, retry, SENT, troubled, type Verdict } from "../link/breaker.js";
import { HttpsLink } from "../link/https-link.js";
import { type LinkOptions, linkOptions } from "../link/options.js";
import { type Reply, retryAfterOf } from "../link/reply.js";

export interface WebhookOptions extends LinkOptions {
  /** By which tokens are registered for it; default "webhook". */
  readonly name?: string;
  /** Where pushes are posted: `https`, or `http` on this machine. */
  readonly url: string;
  /** Signs each post: 24 to 64 bytes as base64, "whsec_" before them allowed. */
  readonly secret: string;
  /** Connections at once; default 10, at most 1,000. */
  readonly concurrency?: number;
}

const NAME = /^[a-z0-9-]{1,32}$/;
const MOST_SOCKETS = 1_000;
const DEFAULT_SOCKETS = 10;
const MOST_TOKEN = 4_096;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Posts each push to the host as JSON, `{"token", "notification"}`, signed after the Standard Webhooks specification: for
 * push services that have no provider here. The host answers 2xx, 410 for a token that is dead, 429 or 5xx for later.
 */
export function webhook(options: WebhookOptions): PushProvider {
  const { name = "webhook" } = options;
  if (!NAME.test(name)) throw new ChatError("config", "name must be 1 to 32 of a-z, 0-9 and -.", { field: "name" });
  const url = readUrl(options.url);
  const secret = readSecret(options.secret);
  const { ca, deadlineMs, maxWaiting, concurrency } = linkOptions(options, MOST_SOCKETS, DEFAULT_SOCKETS);
  const link = new HttpsLink({ ca, deadlineMs, maxSockets: concurrency, maxUnanswered: maxWaiting + concurrency });
  const breaker = new Breaker();

  async function attempt({ token, notification }: Push): Promise<Verdict> {
    const body = JSON.stringify({ token, notification });
    const at = String(Math.floor(Date.now() / 1000));
    const { id } = notification;
    const signature = createHmac("sha256", secret).update(`${id}.${at}.${body}`).digest("base64");
    const headers = {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": at,
      "webhook-signature": `v1,${signature}`,
    };
    const exchange = await link.exchange(url.origin, { path: url.pathname + url.search, headers, body });
    return "trouble" in exchange ? troubled(exchange) : verdictOf(exchange);
  }

  return {
    contract: CONTRACT,
    scope: "cluster",
    name,
    open: async () => {},
    close: () => link.close(),
    check(token) {
      if (token === "" || token.length > MOST_TOKEN) {
        throw new ChatError("invalid", `A token is 1 to ${MOST_TOKEN} characters.`, {
          field: "token",
          limit: MOST_TOKEN,
        });
      }
    },
    send: (push): Promise<PushResult> => breaker.run(() => attempt(push)),
  };
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname))) return url;
  throw new ChatError("config", "url must be an https address, or an http one on this machine.", { field: "url" });
}

function readSecret(text: string): Buffer {
  const secret = Buffer.from(text.replace(/^whsec_/, ""), "base64");
  if (secret.length >= 24 && secret.length <= 64) return secret;
  throw new ChatError("config", "secret must be 24 to 64 bytes as base64.", { field: "secret" });
}

function verdictOf({ status, headers }: Reply): Verdict {
  const reason = `status_${status}`;
  if (status >= 200 && status < 300) return SENT;
  if (status === 410) return dead(reason);
  if (status === 429 || status >= 500) return retry(reason, retryAfterOf(headers), status === 429 ? "up" : "down");
  return refused(reason);
}
