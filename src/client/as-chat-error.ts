import { ChatError, type ErrorCode, isChatError } from "../errors.js";

/** The error itself where it is one of this package; otherwise one with a code, and it as the cause. */
export function asChatError(cause: unknown, code: ErrorCode = "internal"): ChatError {
  return isChatError(cause) ? cause : new ChatError(code, undefined, { cause });
}
