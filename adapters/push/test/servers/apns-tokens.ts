import { decodeJwt, decodeProtectedHeader, importSPKI, jwtVerify } from "jose";
import type { Fault } from "./apns-rules.js";

const HOUR_MS = 60 * 60 * 1000;
const UPDATE_MS = 20 * 60 * 1000;

/** How APNs looks at bearer tokens: the developer's key, not older than an hour, not renewed too often. */
export class ApnsTokens {
  /** Milliseconds by which Apple's clock is ahead of this machine's. */
  aheadMs = 0;
  private readonly known = new Map<string, Promise<boolean>>();
  private last: { readonly bearer: string; readonly at: number } | null = null;

  constructor(
    private readonly given: { readonly publicKey: string; readonly keyId: string; readonly teamId: string },
  ) {}

  async refusal(authorization: string | undefined): Promise<Fault | null> {
    const bearer = /^bearer (.+)$/.exec(authorization ?? "")?.[1];
    if (bearer === undefined) return { status: 403, reason: "MissingProviderToken" };
    const genuine = this.known.get(bearer) ?? this.verify(bearer);
    this.known.set(bearer, genuine);
    if (!(await genuine)) return { status: 403, reason: "InvalidProviderToken" };
    const now = Date.now() + this.aheadMs;
    const age = now - (decodeJwt(bearer).iat ?? 0) * 1000;
    if (age > HOUR_MS) return { status: 403, reason: "ExpiredProviderToken" };
    if (age < -HOUR_MS) return { status: 403, reason: "InvalidProviderToken" };
    if (this.last?.bearer !== bearer) {
      if (this.last !== null && now - this.last.at < UPDATE_MS) {
        return { status: 429, reason: "TooManyProviderTokenUpdates" };
      }
      this.last = { bearer, at: now };
    }
    return null;
  }

  /** As if nobody had come yet: the next token isn't one that was renewed too early. */
  forget(): void {
    this.last = null;
  }

  private async verify(bearer: string): Promise<boolean> {
    const { publicKey, keyId, teamId } = this.given;
    try {
      if (decodeProtectedHeader(bearer).kid !== keyId) return false;
      const key = await importSPKI(publicKey, "ES256");
      // Its age is looked at each time it comes, not once.
      await jwtVerify(bearer, key, { issuer: teamId, algorithms: ["ES256"] });
      return true;
    } catch {
      return false;
    }
  }
}
