import type { IncomingHttpHeaders } from "node:http";

export interface Request {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** What a server answered. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The beginning of the answer's text, 64 KiB at most. */
  readonly body: string;
}

/**
 * Why there is no answer. `overloaded` and `closed` come from this side. In all other cases nobody knows whether the
 * server has acted.
 */
export interface Trouble {
  readonly trouble: "unreachable" | "connection_lost" | "timeout" | "overloaded" | "closed";
}

export type Exchange = Reply | Trouble;

/** Characters of an answer that are kept; real ones have a few hundred. */
export const MOST_BODY = 65_536;

const MOST_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/** Milliseconds that the server asks to wait (RFC 9110, section 10.2.3), a day at most; null where it doesn't say. */
export function retryAfterOf(headers: IncomingHttpHeaders): number | null {
  const text = headers["retry-after"];
  if (text === undefined) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), MOST_RETRY_AFTER_MS);
}

/** An answer's JSON; an empty object where it is none, since what a server says of its failure may be anything. */
export function jsonOf(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
