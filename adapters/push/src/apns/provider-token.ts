import { importPKCS8, SignJWT } from "jose";
import { ChatError } from "sentseen/ports";

type SigningKey = Awaited<ReturnType<typeof importPKCS8>>;

/** Apple refuses a token of an hour, and a newer one within twenty minutes of the last. */
const REUSE_MS = 50 * 60 * 1000;
const RENEW_AFTER_MS = 20 * 60 * 1000;

/** The JWT (ES256) by which a team is known to APNs: one is used for 50 minutes. */
export class ProviderToken {
  private key: SigningKey | null = null;
  private current: Promise<string> | null = null;
  private made = 0;

  constructor(
    private readonly pem: string,
    private readonly keyId: string,
    private readonly teamId: string,
  ) {}

  /** Reads the key. Rejects with `config` where it is none. */
  async open(): Promise<void> {
    try {
      this.key = await importPKCS8(this.pem, "ES256");
    } catch (cause) {
      throw new ChatError("config", "key must be the text of the .p8 file from Apple.", { field: "key", cause });
    }
  }

  get(): Promise<string> {
    const age = Date.now() - this.made;
    // A clock that was set back makes tokens of the future: they are made again.
    if (this.current === null || age >= REUSE_MS || age < 0) this.renew();
    return this.current as Promise<string>;
  }

  private renew(): void {
    if (this.key === null) throw new ChatError("closed", "The provider isn't open.");
    this.made = Date.now();
    this.current = new SignJWT({ iss: this.teamId, iat: Math.floor(this.made / 1000) })
      .setProtectedHeader({ alg: "ES256", kid: this.keyId })
      .sign(this.key);
  }

  /**
   * Apple says that a token has expired. Answers whether another one is worth trying: it isn't where this one was just
   * made, as the clocks differ then.
   */
  async replaces(expired: string): Promise<boolean> {
    if ((await this.get()) !== expired) return true;
    if (Date.now() - this.made < RENEW_AFTER_MS) return false;
    this.renew();
    return true;
  }
}
