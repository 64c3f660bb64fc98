import { ChatError, isChatError } from "sentseen/ports";

/** What Redis or the way to it refused, as the error that callers know: trying again may help. */
export function unavailable(what: string, cause: unknown): ChatError {
  if (isChatError(cause)) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ChatError("store_unavailable", `${what}: ${why}.`, { cause });
}

/** The error for what would wait beyond its bound. */
export function full(text: string, limit: number): ChatError {
  return new ChatError("store_unavailable", `${text} already.`, { limit });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
