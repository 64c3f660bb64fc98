import { ChatError, CONTRACT, type Push, type PushProvider, type PushResult } from "sentseen/ports";
import { Breaker, refused, troubled, type Verdict } from "../link/breaker.js";
import { Http2Link } from "../link/http2-link.js";
import { givenText, type LinkOptions, linkOptions } from "../link/options.js";
import { apnsHeaders, apnsPayload, MOST_PAYLOAD } from "./payload.js";
import { ProviderToken } from "./provider-token.js";
import { apnsReason, apnsVerdict } from "./verdict.js";

export interface ApnsOptions extends LinkOptions {
  /** The text of the key's .p8 file. */
  readonly key: string;
  /** The key's ten characters. */
  readonly keyId: string;
  /** The team's ten characters. */
  readonly teamId: string;
  /** The app's bundle id. */
  readonly topic: string;
  /** Where the app's tokens are from: `development` for one that Xcode installed. Default `production`. */
  readonly environment?: "production" | "development";
  /** Requests under way at once, 1,000 at most and by default; fewer where Apple allows fewer. */
  readonly concurrency?: number;
  /** Another address than Apple's. */
  readonly url?: string;
}

const URLS = { production: "https://api.push.apple.com", development: "https://api.sandbox.push.apple.com" } as const;
const MOST_STREAMS = 1_000;
const DEVICE_TOKEN = /^[0-9a-f]{16,200}$/i;

/** Apple's push service, known to it by a key of the team. Opening rejects with `config` where the key is none. */
export function apns(options: ApnsOptions): PushProvider {
  for (const field of ["key", "keyId", "teamId", "topic"] as const) givenText(field, options[field]);
  const { environment = "production", topic } = options;
  if (!Object.hasOwn(URLS, environment)) {
    throw new ChatError("config", 'environment must be "production" or "development".', { field: "environment" });
  }
  const { ca, deadlineMs, maxWaiting, concurrency } = linkOptions(options, MOST_STREAMS);
  const url = options.url ?? URLS[environment];
  const token = new ProviderToken(options.key, options.keyId, options.teamId);
  const link = new Http2Link({ url, ca, deadlineMs, maxWaiting, maxStreams: concurrency });
  const breaker = new Breaker();

  async function attempt({ token: device, notification }: Push): Promise<Verdict> {
    const body = apnsPayload(notification);
    if (Buffer.byteLength(body) > MOST_PAYLOAD) return refused("PayloadTooLarge");
    const path = `/3/device/${device}`;
    for (let again = false; ; again = true) {
      const jwt = await token.get();
      const headers = { authorization: `bearer ${jwt}`, ...apnsHeaders(notification, topic) };
      const exchange = await link.exchange({ path, headers, body });
      if ("trouble" in exchange) return troubled(exchange);
      const expired = exchange.status === 403 && apnsReason(exchange) === "ExpiredProviderToken";
      if (!expired || again || !(await token.replaces(jwt))) return apnsVerdict(exchange);
    }
  }

  return {
    contract: CONTRACT,
    scope: "cluster",
    name: "apns",
    open: () => token.open(),
    close: () => link.close(),
    check(device) {
      if (!DEVICE_TOKEN.test(device)) {
        throw new ChatError("invalid", "A token of APNs is 16 to 200 hexadecimal digits.", {
          field: "token",
          limit: 200,
        });
      }
    },
    send: (push): Promise<PushResult> => breaker.run(() => attempt(push)),
  };
}
