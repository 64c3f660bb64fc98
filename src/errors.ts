/**
 * Everything that can go wrong, in one table: the text code that programs branch on, whether the same request may
 * succeed later, and the close code where the connection can't go on.
 */
const TABLE = {
  malformed: { retryable: false, close: 4400, text: "The bytes are not a frame of this protocol." },
  unknown_type: { retryable: false, text: "No frame has this type." },
  invalid: { retryable: false, text: "A field is missing or out of bounds." },
  too_large: { retryable: false, text: "A field or the frame is larger than its limit." },
  unauthenticated: { retryable: false, close: 4403, text: "The first frame must be hello." },
  token_refused: { retryable: false, close: 4401, text: "The token was refused." },
  hello_timeout: { retryable: true, close: 4408, text: "No hello came in time." },
  already_greeted: { retryable: false, text: "hello was sent already." },
  rate_limited: { retryable: true, text: "Too many in too short a time; retry_after says when to go on." },
  refused: { retryable: false, text: "The host refused the message." },
  not_found: { retryable: false, text: "There is no such conversation." },
  not_member: { retryable: false, text: "The user is not a member of the conversation." },
  forbidden: { retryable: false, text: "The user's role does not allow this." },
  already_exists: { retryable: false, text: "A conversation with this id exists already." },
  group_full: { retryable: false, text: "The group has as many members as it may have." },
  not_kept: { retryable: false, text: "History is not kept after delivery here." },
  store_unavailable: {
    retryable: true,
    close: 4414,
    text: "Storage or queue can't be reached; the command may or may not have been stored.",
  },
  timeout: { retryable: true, text: "No answer in time." },
  draining: { retryable: true, close: 4412, text: "The server is going away; come back later." },
  overloaded: { retryable: true, close: 4413, text: "The server takes no more connections just now." },
  slow: { retryable: true, close: 4409, text: "The connection doesn't take what is sent to it." },
  idle: { retryable: true, close: 4410, text: "No sign of life for too long." },
  replaced: { retryable: false, close: 4501, text: "A newer connection of the same device took over." },
  disconnected: { retryable: false, close: 4502, text: "The host ended the connection." },
  closed: { retryable: false, text: "The server or client was closed." },
  config: { retryable: false, text: "An option is missing, unknown or out of bounds." },
  incompatible: { retryable: false, text: "The parts do not fit together." },
  in_use: { retryable: false, text: "Another process has it open." },
  corrupt: { retryable: false, text: "The stored data is damaged or not of this program." },
  internal: { retryable: true, text: "A fault of the server's own." },
} as const satisfies Record<string, { retryable: boolean; close?: number; text: string }>;

export type ErrorCode = keyof typeof TABLE;

export interface ErrorEntry {
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** The close code of the connection that can't go on, where it is closed at all. */
  readonly close?: number;
  readonly text: string;
}

export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = TABLE;

export interface ErrorDetail {
  /** The field, option or part that is at fault. */
  readonly field?: string | undefined;
  /** The bound that was passed. */
  readonly limit?: number | undefined;
  /** Milliseconds to wait before trying again. */
  readonly retry_after?: number | undefined;
  readonly cause?: unknown;
}

const BRAND = Symbol.for("sentseen.error");

/** The one class of error that this package throws. Recognise it with `isChatError` and branch on `code`. */
export class ChatError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly limit: number | undefined;
  readonly retry_after: number | undefined;

  constructor(code: ErrorCode, text?: string, detail: ErrorDetail = {}) {
    super(text ?? TABLE[code].text, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "ChatError";
    this.code = code;
    this.field = detail.field;
    this.limit = detail.limit;
    this.retry_after = detail.retry_after;
    Object.defineProperty(this, BRAND, { value: true });
  }

  get retryable(): boolean {
    return TABLE[this.code].retryable;
  }
}

/** Whether a value is an error of this package, whichever build (ESM or CJS) made it. */
export function isChatError(value: unknown): value is ChatError {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}
