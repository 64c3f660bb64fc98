import { createECDH } from "node:crypto";
import { importJWK, SignJWT } from "jose";
import { ChatError } from "sentseen/ports";
import { CURVE } from "./encrypt.js";

/** A server's key pair for Web Push, as base64url: the public one is what pages subscribe with. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

type Signer = Awaited<ReturnType<typeof importJWK>>;

/** A push service refuses a token that is good for more than a day. */
const VALID_S = 12 * 60 * 60;
const REUSE_MS = 6 * 60 * 60 * 1000;
/** Services that are remembered: which there are, the clients of a wildcard's hosts say. */
const MOST_TOKENS = 1_000;

/** A new key pair. Make one for good: with another, every subscription is void. */
export function makeVapidKeys(): VapidKeys {
  const ecdh = createECDH(CURVE);
  ecdh.generateKeys();
  const privateKey = Buffer.alloc(32);
  const short = ecdh.getPrivateKey();
  short.copy(privateKey, 32 - short.length);
  return { publicKey: ecdh.getPublicKey("base64url"), privateKey: privateKey.toString("base64url") };
}

/** Makes the header by which push services know the server (RFC 8292); one a service, used for six hours. */
export class Vapid {
  private signer: Signer | null = null;
  private readonly tokens = new Map<string, { readonly jwt: Promise<string>; readonly made: number }>();

  constructor(
    private readonly keys: VapidKeys,
    private readonly subject: string,
  ) {}

  /** Reads the keys. Rejects with `config` where they are none, or not of one pair. */
  async open(): Promise<void> {
    const ecdh = createECDH(CURVE);
    try {
      ecdh.setPrivateKey(Buffer.from(this.keys.privateKey, "base64url"));
      const point = ecdh.getPublicKey();
      if (point.toString("base64url") !== this.keys.publicKey.replace(/=+$/, "")) throw new Error("not of one pair");
      const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
      const d = this.keys.privateKey.replace(/=+$/, "");
      this.signer = await importJWK({ kty: "EC", crv: "P-256", x: x as string, y: y as string, d }, "ES256");
    } catch (cause) {
      throw new ChatError("config", "keys must be a pair that makeVapidKeys made.", { field: "keys", cause });
    }
  }

  /** The value of `authorization` for a push service. */
  async header(origin: string): Promise<string> {
    const now = Date.now();
    let token = this.tokens.get(origin);
    if (token === undefined || now - token.made >= REUSE_MS || now < token.made) {
      if (this.tokens.size >= MOST_TOKENS) this.tokens.clear();
      token = { jwt: this.sign(origin, now), made: now };
      this.tokens.set(origin, token);
    }
    return `vapid t=${await token.jwt}, k=${this.keys.publicKey}`;
  }

  private sign(origin: string, now: number): Promise<string> {
    if (this.signer === null) throw new ChatError("closed", "The provider isn't open.");
    return new SignJWT({ aud: origin, exp: Math.floor(now / 1000) + VALID_S, sub: this.subject })
      .setProtectedHeader({ typ: "JWT", alg: "ES256" })
      .sign(this.signer);
  }
}
