import { ChatError } from "sentseen/ports";

/** What the system or LMDB refused, as the error that callers know: trying again may help. */
export function unavailable(what: string, cause: unknown): ChatError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ChatError("store_unavailable", `${what}: ${why}.`, { cause });
}
