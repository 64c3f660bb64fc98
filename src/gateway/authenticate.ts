import type { IncomingHttpHeaders } from "node:http";
import type { UserId } from "../model/ids.js";

/** What the host is given to decide who connects. */
export interface Credentials {
  /** As the client's hello brought it: up to 8,192 bytes. */
  readonly token: string;
  /** Of the HTTP request that became the WebSocket; absent for a token that an open connection renews. */
  readonly request?: { readonly headers: IncomingHttpHeaders; readonly url: string; readonly remote_address: string };
}

/** Who connects. */
export interface Identity {
  /** 1 to 128 bytes of UTF-8 without control characters. */
  readonly user: UserId;
  /** Milliseconds since 1970: when the token runs out and the connection, unless renewed, with it. */
  readonly expires_at?: number | undefined;
}

/** The host's own decision: an identity, or null to refuse. What it throws counts as a refusal. */
export type Authenticate = (credentials: Credentials) => Identity | null | Promise<Identity | null>;

const DEVELOPMENT = Symbol.for("sentseen.development-auth");

/**
 * Believes whatever name a token gives: "alice" or "dev:alice" is the user alice. A server with it serves loopback
 * addresses only.
 */
export function developmentAuth(): Authenticate {
  const authenticate: Authenticate = ({ token }) => {
    const user = token.startsWith("dev:") ? token.slice(4) : token;
    return user === "" ? null : { user };
  };
  return Object.assign(authenticate, { [DEVELOPMENT]: true });
}

/** Whether a server with this authentication must not be reached from elsewhere. */
export function loopbackOnly(authenticate: Authenticate): boolean {
  return (authenticate as unknown as Record<symbol, unknown>)[DEVELOPMENT] === true;
}

export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
  return plain === "::1" || plain === "localhost" || /^127(\.\d{1,3}){3}$/.test(plain);
}
