/**
 * Everything that can go wrong, in one table: the text code that programs branch on, whether the same request may
 * succeed later, and the close code where the connection can't go on.
 */
const TABLE = {
  malformed: { retryable: false, close: 4400 },
  unknown_type: { retryable: false },
  invalid: { retryable: false },
  too_large: { retryable: false },
  unauthenticated: { retryable: false, close: 4403 },
  token_refused: { retryable: false, close: 4401 },
  hello_timeout: { retryable: true, close: 4408 },
  already_greeted: { retryable: false },
  rate_limited: { retryable: true },
  refused: { retryable: false },
  not_found: { retryable: false },
  not_member: { retryable: false },
  forbidden: { retryable: false },
  already_exists: { retryable: false },
  group_full: { retryable: false },
  not_kept: { retryable: false },
  store_unavailable: { retryable: true, close: 4414 },
  timeout: { retryable: true },
  draining: { retryable: true, close: 4412 },
  overloaded: { retryable: true, close: 4413 },
  slow: { retryable: true, close: 4409 },
  idle: { retryable: true, close: 4410 },
  replaced: { retryable: false, close: 4501 },
  disconnected: { retryable: false, close: 4502 },
  undecryptable: { retryable: false },
  replayed: { retryable: false },
  untrusted: { retryable: false },
  closed: { retryable: false },
  config: { retryable: false },
  incompatible: { retryable: false },
  in_use: { retryable: false },
  corrupt: { retryable: false },
  internal: { retryable: true },
} as const satisfies Record<string, { retryable: boolean; close?: number }>;

export type ErrorCode = keyof typeof TABLE;

export interface ErrorEntry {
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** The close code of the connection that can't go on, where it is closed at all. */
  readonly close?: number;
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

/** What an error says that was given no words of its own; for people there is `ERROR_TEXTS`. */
export function plainText(code: ErrorCode): string {
  return code.replaceAll("_", " ");
}

/** The one class of error that this package throws. Recognise it with `isChatError` and branch on `code`. */
export class ChatError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly limit: number | undefined;
  readonly retry_after: number | undefined;

  constructor(code: ErrorCode, text?: string, detail: ErrorDetail = {}) {
    super(text ?? plainText(code), detail);
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
