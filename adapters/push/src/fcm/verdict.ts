import { dead, refused, retry, SENT, type Verdict } from "../link/breaker.js";
import { jsonOf, type Reply, retryAfterOf } from "../link/reply.js";

/** Google asks for a minute where it says too much was sent and doesn't say when to come back. */
const QUOTA_PAUSE_MS = 60_000;

interface Detail {
  readonly errorCode?: unknown;
  readonly fieldViolations?: readonly { readonly field?: unknown }[];
}

/** What FCM says is wrong: its own code, else the status of Google's APIs, and the fields of the request at fault. */
function faultOf({ status, body }: Reply): { reason: string; fields: readonly unknown[] } {
  const error = (jsonOf(body).error ?? {}) as { status?: unknown; details?: unknown };
  const details: Detail[] = Array.isArray(error.details) ? error.details : [];
  const code = details.find(({ errorCode }) => typeof errorCode === "string")?.errorCode ?? error.status;
  const fields = details.flatMap(({ fieldViolations }) => (Array.isArray(fieldViolations) ? fieldViolations : []));
  return { reason: typeof code === "string" ? code : `status_${status}`, fields: fields.map(({ field }) => field) };
}

/** Google's table of statuses and codes. What one token may bring about doesn't count against the service. */
export function fcmVerdict(reply: Reply): Verdict {
  const { status, headers } = reply;
  if (status === 200) return SENT;
  const { reason, fields } = faultOf(reply);
  const after = retryAfterOf(headers);
  if (reason === "UNREGISTERED") return dead(reason);
  if (reason === "INVALID_ARGUMENT") return fields.includes("message.token") ? dead(reason) : refused(reason);
  // The token is another project's, or that of an Apple device or browser whose keys the project doesn't have.
  if (reason === "SENDER_ID_MISMATCH" || reason === "THIRD_PARTY_AUTH_ERROR") return refused(reason);
  if (status === 429) return retry(reason, after ?? QUOTA_PAUSE_MS, "up");
  if (status === 401 || status === 403 || status >= 500) return retry(reason, after, "down");
  return refused(reason);
}
