import { ChatError, isChatError } from "sentseen/ports";

/** What the driver or the cluster refused, as the error that callers know: trying again may help. */
export function unavailable(what: string, cause: unknown): ChatError {
  if (isChatError(cause)) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ChatError("store_unavailable", `${what} failed: ${why}`, { cause });
}
