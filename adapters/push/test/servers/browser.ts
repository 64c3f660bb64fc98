import { createECDH, type ECDH, randomBytes } from "node:crypto";
import { createRequire } from "node:module";

/** The part of http_ece that is needed; it comes without types. */
interface HttpEce {
  decrypt(body: Buffer, params: { version: "aes128gcm"; privateKey: ECDH; authSecret: string }): Buffer;
}

const { decrypt } = createRequire(import.meta.url)("http_ece") as HttpEce;

/** A browser's subscription: its keys, and what it reads with them by an implementation that isn't ours. */
export class Browser {
  readonly path = `/send/${randomBytes(12).toString("base64url")}?v=2`;
  private readonly ecdh = createECDH("prime256v1");
  private readonly auth = randomBytes(16);

  constructor(private readonly origin: string) {
    this.ecdh.generateKeys();
  }

  /** As `PushSubscription.toJSON()` makes it. */
  toJSON() {
    return {
      endpoint: this.origin + this.path,
      expirationTime: null,
      keys: { p256dh: this.ecdh.getPublicKey("base64url"), auth: this.auth.toString("base64url") },
    };
  }

  get token(): string {
    return JSON.stringify(this);
  }

  read(body: Buffer): unknown {
    const authSecret = this.auth.toString("base64url");
    return JSON.parse(decrypt(body, { version: "aes128gcm", privateKey: this.ecdh, authSecret }).toString());
  }
}
