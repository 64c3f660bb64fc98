import { createECDH } from "node:crypto";
import { ChatError } from "sentseen/ports";
import { CURVE, type Recipient } from "./encrypt.js";

/** Where a browser is reached: what `PushSubscription.toJSON()` says. */
export interface Subscription extends Recipient {
  readonly endpoint: URL;
}

const MOST_CHARACTERS = 2_048;

/**
 * Reads a subscription from its JSON. The address is a client's word, and it is this server that will post to it: so
 * only to `https` on the usual port at a host that `isService` knows. Throws `invalid` with what is wrong.
 */
export function readSubscription(token: string, isService: (host: string) => boolean): Subscription {
  if (token.length > MOST_CHARACTERS) throw invalid(`longer than ${MOST_CHARACTERS} characters`, MOST_CHARACTERS);
  const { endpoint, keys } = parse(token);
  const url = typeof endpoint === "string" && URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url === null || url.protocol !== "https:" || url.username !== "" || url.password !== "") {
    throw invalid("endpoint isn't an https address");
  }
  if (!isService(url.host)) throw invalid(`${url.host} is no known push service`);
  const p256dh = bytes(keys?.p256dh, 65);
  const auth = bytes(keys?.auth, 16);
  if (p256dh === null || !isPoint(p256dh)) throw invalid("keys.p256dh is no public key of P-256");
  if (auth === null) throw invalid("keys.auth isn't 16 bytes");
  return { endpoint: url, p256dh, auth };
}

function parse(token: string): { endpoint?: unknown; keys?: { p256dh?: unknown; auth?: unknown } | null } {
  try {
    return Object(JSON.parse(token));
  } catch (cause) {
    throw new ChatError("invalid", "A subscription is JSON.", { field: "token", cause });
  }
}

function bytes(text: unknown, length: number): Buffer | null {
  if (typeof text !== "string" || !/^[\w-]+=*$/.test(text)) return null;
  const decoded = Buffer.from(text, "base64url");
  return decoded.length === length ? decoded : null;
}

function isPoint(key: Buffer): boolean {
  const ecdh = createECDH(CURVE);
  ecdh.generateKeys();
  try {
    ecdh.computeSecret(key);
    return true;
  } catch {
    return false;
  }
}

function invalid(what: string, limit?: number): ChatError {
  return new ChatError("invalid", `The subscription can't be used: ${what}.`, { field: "token", limit });
}
