import type { IncomingMessage } from "node:http";
import { ERROR_TEXTS } from "../error-texts.js";
import type { ErrorCode } from "../errors.js";
import { SUB_PROTOCOLS } from "../protocol/codec.js";
import { isLoopback, loopbackOnly } from "./authenticate.js";
import type { Services } from "./services.js";

/** The HTTP response that turns an upgrade request away; null where it is let through. */
export function refusal(
  { origins, authenticate }: Pick<Services, "origins" | "authenticate">,
  request: IncomingMessage,
  closed: Extract<ErrorCode, "draining" | "overloaded"> | null,
): string | null {
  if (closed !== null) return response(503, "Service Unavailable", ERROR_TEXTS[closed], "Retry-After: 5\r\n");
  if (!originAllowed({ origins, authenticate }, request))
    return response(403, "Forbidden", "This origin is not allowed.");
  if (loopbackOnly(authenticate) && !isLoopback(request.socket.localAddress)) {
    return response(403, "Forbidden", "Development authentication serves loopback addresses only.");
  }
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  if (!SUB_PROTOCOLS.some((name) => offered.includes(name))) {
    return response(400, "Bad Request", `Offer one of the sub-protocols ${SUB_PROTOCOLS.join(", ")}.`);
  }
  return null;
}

/**
 * Browsers name the page's origin and other programs don't: a page of somebody else's can't connect as its visitor. Who
 * believes any name also looks at the page's own: one whose name was made to lead here is somebody else's.
 */
function originAllowed(
  { origins, authenticate }: Pick<Services, "origins" | "authenticate">,
  { headers }: IncomingMessage,
): boolean {
  const { origin, host } = headers;
  if (origin === undefined || origins === "any") return true;
  if (origins !== "same-host") return origins.includes(origin);
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  return page.host === host && (!loopbackOnly(authenticate) || isLoopbackName(page.hostname));
}

function isLoopbackName(hostname: string): boolean {
  return hostname.endsWith(".localhost") || isLoopback(hostname.replace(/^\[|\]$/g, ""));
}

function response(status: number, reason: string, text: string, headers = ""): string {
  const head = `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n`;
  return `${head}${headers}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
