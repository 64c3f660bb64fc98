import { createHash } from "node:crypto";
import { ChatError, CONTRACT, type Notification, type Push, type PushProvider, type PushResult } from "sentseen/ports";
import { Breaker, dead, refused, retry, SENT, troubled, type Verdict } from "../link/breaker.js";
import { HttpsLink } from "../link/https-link.js";
import { type LinkOptions, linkOptions } from "../link/options.js";
import { type Reply, retryAfterOf } from "../link/reply.js";
import { encrypt, MOST_PLAINTEXT } from "./encrypt.js";
import { readSubscription, type Subscription } from "./subscription.js";
import { Vapid, type VapidKeys } from "./vapid.js";

export interface WebPushOptions extends LinkOptions {
  /** As `makeVapidKeys` made them, once. */
  readonly keys: VapidKeys;
  /** Where push services reach you when something is wrong: `mailto:` or `https:`. */
  readonly subject: string;
  /**
   * Hosts of push services beside those of Chrome, Edge, Firefox and Safari; "*.example" is any host below it. The
   * server posts to whatever of these a client names: name none whose hosts may be your own.
   */
  readonly services?: readonly string[];
  /** Connections to one push service; default 20, at most 1,000. */
  readonly concurrency?: number;
}

const SERVICES = [
  "fcm.googleapis.com",
  "jmt17.google.com",
  "*.push.services.mozilla.com",
  "*.notify.windows.com",
  "*.push.apple.com",
] as const;
const MOST_SOCKETS = 1_000;
const DEFAULT_SOCKETS = 20;
const TOPIC_CHARACTERS = 32;
/** Services that wildcards may lead to; a circuit breaker each. */
const MOST_BREAKERS = 1_000;

/** Web Push (RFC 8030, 8291, 8292). A token is the JSON of a browser's subscription. */
export function webPush(options: WebPushOptions): PushProvider {
  if (!/^(mailto:|https:\/\/)./.test(options.subject)) {
    throw new ChatError("config", 'subject must begin with "mailto:" or "https://".', { field: "subject" });
  }
  const { ca, deadlineMs, maxWaiting, concurrency } = linkOptions(options, MOST_SOCKETS, DEFAULT_SOCKETS);
  const link = new HttpsLink({ ca, deadlineMs, maxSockets: concurrency, maxUnanswered: maxWaiting + concurrency });
  const vapid = new Vapid(options.keys, options.subject);
  const services = [...SERVICES, ...(options.services ?? [])];
  const breakers = new Map<string, Breaker>();

  const isService = (host: string) =>
    services.some((name) => (name.startsWith("*.") ? host.endsWith(name.slice(1)) : host === name));

  function breakerOf(origin: string): Breaker {
    const breaker = breakers.get(origin) ?? new Breaker();
    if (breakers.size >= MOST_BREAKERS && !breakers.has(origin)) breakers.clear();
    breakers.set(origin, breaker);
    return breaker;
  }

  async function attempt({ endpoint, ...recipient }: Subscription, notification: Notification): Promise<Verdict> {
    const plaintext = Buffer.from(JSON.stringify(contentOf(notification)));
    if (plaintext.length > MOST_PLAINTEXT) return refused("payload_too_large");
    const headers = { ...headersOf(notification), authorization: await vapid.header(endpoint.origin) };
    const body = encrypt(plaintext, recipient);
    const path = endpoint.pathname + endpoint.search;
    const exchange = await link.exchange(endpoint.origin, { path, headers, body });
    return "trouble" in exchange ? troubled(exchange) : verdictOf(exchange);
  }

  return {
    contract: CONTRACT,
    scope: "cluster",
    name: "web-push",
    open: () => vapid.open(),
    close: () => link.close(),
    check(token) {
      readSubscription(token, isService);
    },
    async send({ token, notification }: Push): Promise<PushResult> {
      let subscription: Subscription;
      try {
        subscription = readSubscription(token, isService);
      } catch {
        // It was one when it was registered: the list of services has changed since.
        return { outcome: "refused", reason: "invalid_subscription" };
      }
      return breakerOf(subscription.endpoint.origin).run(() => attempt(subscription, notification));
    },
  };
}

/** What the page's service worker reads from `event.data.json()`. */
function contentOf({ id, alert, badge, data, collapse_key }: Notification): Record<string, unknown> {
  return { id, alert, badge, tag: collapse_key, data };
}

function headersOf({ collapse_key, time_to_live, urgency }: Notification): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": "application/octet-stream",
    "content-encoding": "aes128gcm",
    ttl: String(time_to_live),
    urgency: urgency === "normal" ? "normal" : "high",
  };
  if (collapse_key !== undefined) {
    // A topic is 32 characters of base64url at most, and the service needn't know of which conversation.
    headers.topic = createHash("sha256").update(collapse_key).digest("base64url").slice(0, TOPIC_CHARACTERS);
  }
  return headers;
}

/** A wrong key (401, 403) may be one subscription's fault, made with another: it doesn't count against the service. */
function verdictOf({ status, headers }: Reply): Verdict {
  const reason = `status_${status}`;
  if (status >= 200 && status < 300) return SENT;
  if (status === 404 || status === 410) return dead(reason);
  if (status === 429) return retry(reason, retryAfterOf(headers), "up");
  if (status >= 500) return retry(reason, retryAfterOf(headers), "down");
  return refused(reason);
}
