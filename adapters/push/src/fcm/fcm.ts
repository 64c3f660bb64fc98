import { ChatError, CONTRACT, type Push, type PushProvider, type PushResult } from "sentseen/ports";
import { Breaker, refused, troubled, type Verdict } from "../link/breaker.js";
import { Http2Link } from "../link/http2-link.js";
import { HttpsLink } from "../link/https-link.js";
import { givenText, type LinkOptions, linkOptions } from "../link/options.js";
import { AccessToken, type ServiceAccount } from "./access-token.js";
import { fcmMessage, MOST_PAYLOAD, payloadBytes } from "./message.js";
import { fcmVerdict } from "./verdict.js";

export interface FcmOptions extends LinkOptions {
  /** The service account's JSON file, parsed. */
  readonly serviceAccount: ServiceAccount;
  /** Requests under way at once; default 100, at most 1,000. */
  readonly concurrency?: number;
  /** Google looks at what is sent, and answers, but delivers nothing. Default false. */
  readonly dryRun?: boolean;
  /** Another address than Google's. */
  readonly url?: string;
}

const GOOGLE = "https://fcm.googleapis.com";
const MOST_STREAMS = 1_000;
const DEFAULT_STREAMS = 100;
const REGISTRATION_TOKEN = /^[\w:-]{16,4096}$/;

/** Google's push service over HTTP v1, for Android. Opening rejects with `config` where the account's key is none. */
export function fcm(options: FcmOptions): PushProvider {
  const { serviceAccount: account, dryRun = false } = options;
  for (const field of ["project_id", "client_email", "private_key"] as const) {
    givenText(`serviceAccount.${field}`, account?.[field]);
  }
  const { ca, deadlineMs, maxWaiting, concurrency } = linkOptions(options, MOST_STREAMS, DEFAULT_STREAMS);
  const link = new Http2Link({ url: options.url ?? GOOGLE, ca, deadlineMs, maxWaiting, maxStreams: concurrency });
  const google = new HttpsLink({ ca, deadlineMs, maxSockets: 1, maxUnanswered: 1 });
  const access = new AccessToken(account, google);
  const breaker = new Breaker();
  const path = `/v1/projects/${encodeURIComponent(account.project_id)}/messages:send`;

  async function attempt({ token, notification }: Push): Promise<Verdict> {
    if (payloadBytes(notification) > MOST_PAYLOAD) return refused("payload_too_large");
    const message = fcmMessage(token, notification);
    const body = JSON.stringify(dryRun ? { validate_only: true, message } : { message });
    for (let again = false; ; again = true) {
      const got = await access.get();
      if ("verdict" in got) return got.verdict;
      const headers = { authorization: `Bearer ${got.token}`, "content-type": "application/json" };
      const exchange = await link.exchange({ path, headers, body });
      if ("trouble" in exchange) return troubled(exchange);
      const verdict = fcmVerdict(exchange);
      if (exchange.status !== 401 || verdict.service !== "down") return verdict;
      access.drop(got.token);
      if (again) return verdict;
    }
  }

  return {
    contract: CONTRACT,
    scope: "cluster",
    name: "fcm",
    open: () => access.open(),
    async close() {
      await Promise.all([link.close(), google.close()]);
    },
    check(token) {
      if (!REGISTRATION_TOKEN.test(token)) {
        throw new ChatError("invalid", 'A token of FCM is 16 to 4096 of letters, digits, ":", "_" and "-".', {
          field: "token",
          limit: 4_096,
        });
      }
    },
    send: (push): Promise<PushResult> => breaker.run(() => attempt(push)),
  };
}
