import { createRemoteJWKSet, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import { ChatError } from "../errors.js";
import type { Authenticate } from "./authenticate.js";

export interface JwtAuthOptions {
  /** A shared secret for HS256, at least 32 bytes. One of secret, key and jwksUrl is wanted. */
  readonly secret?: string | Uint8Array;
  /** A public key, as the Web Crypto API has it. */
  readonly key?: CryptoKey;
  /** Where the issuer publishes its keys (RFC 7517). Fetched when first needed and kept as jose does. */
  readonly jwksUrl?: string | URL;
  readonly issuer?: string;
  readonly audience?: string;
  /** The claim that names the user. Default "sub". */
  readonly claim?: string;
  /** Seconds by which clocks may differ. Default 5. */
  readonly clockTolerance?: number;
  /** Accepted algorithms. Default: HS256 with a secret, else ES256, RS256, EdDSA. */
  readonly algorithms?: readonly string[];
}

/**
 * Verifies a JSON Web Token (RFC 7519) and takes the user from one of its claims, and its end from `exp`. A token
 * without `exp`, or that doesn't verify, is refused.
 */
export function jwtAuth(options: JwtAuthOptions): Authenticate {
  const { secret, key, jwksUrl, claim = "sub" } = options;
  if ([secret, key, jwksUrl].filter((given) => given !== undefined).length !== 1) {
    throw new ChatError("config", "jwtAuth wants exactly one of secret, key and jwksUrl.", { field: "secret" });
  }
  const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
  if (bytes !== undefined && bytes.length < 32) {
    throw new ChatError("config", "jwtAuth's secret must have at least 32 bytes.", { field: "secret", limit: 32 });
  }
  const remote: JWTVerifyGetKey | undefined = jwksUrl === undefined ? undefined : createRemoteJWKSet(new URL(jwksUrl));
  const verification: JWTVerifyOptions = {
    algorithms: [...(options.algorithms ?? (bytes === undefined ? ["ES256", "RS256", "EdDSA"] : ["HS256"]))],
    requiredClaims: ["exp", claim],
    clockTolerance: options.clockTolerance ?? 5,
    ...(options.issuer !== undefined && { issuer: options.issuer }),
    ...(options.audience !== undefined && { audience: options.audience }),
  };
  return async ({ token }) => {
    const { payload } =
      remote === undefined
        ? await jwtVerify(token, (bytes ?? key) as Uint8Array | CryptoKey, verification)
        : await jwtVerify(token, remote, verification);
    const user = payload[claim];
    if (typeof user !== "string" || payload.exp === undefined) return null;
    return { user, expires_at: payload.exp * 1_000 };
  };
}
