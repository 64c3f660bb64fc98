import { dead, refused, retry, SENT, type Verdict } from "../link/breaker.js";
import { jsonOf, type Reply, retryAfterOf } from "../link/reply.js";

/** What is wrong with the key, the team or the topic: every push fails until the host mends it. */
const MISCONFIGURED = new Set([
  "BadCertificate",
  "BadCertificateEnvironment",
  "BadEnvironmentKeyIdInToken",
  "BadTopic",
  "ExpiredProviderToken",
  "Forbidden",
  "InvalidProviderToken",
  "MissingProviderToken",
  "MissingTopic",
  "TooManyProviderTokenUpdates",
  "TopicDisallowed",
  "UnrelatedKeyIdInToken",
]);

export function apnsReason({ status, body }: Reply): string {
  const { reason } = jsonOf(body);
  return typeof reason === "string" && reason !== "" ? reason : `status_${status}`;
}

/**
 * Apple's table of statuses and reasons. `DeviceTokenNotForTopic` leaves the token: with a mistaken topic it is every
 * token's answer.
 */
export function apnsVerdict(reply: Reply): Verdict {
  const { status, headers, body } = reply;
  if (status === 200) return SENT;
  const reason = apnsReason(reply);
  if (status === 410) {
    const { timestamp } = jsonOf(body);
    return dead(reason, typeof timestamp === "number" ? timestamp : undefined);
  }
  if (reason === "BadDeviceToken") return dead(reason);
  if (MISCONFIGURED.has(reason)) return retry(reason, retryAfterOf(headers), "down");
  // Too many for this one device: the others go on.
  if (status === 429) return retry(reason, retryAfterOf(headers), "up");
  if (status >= 500) return retry(reason, retryAfterOf(headers), "down");
  return refused(reason);
}
