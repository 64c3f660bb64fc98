import { createCipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";

/** What a browser gives so that only it can read: its public key (65 bytes) and a secret (16 bytes). */
export interface Recipient {
  readonly p256dh: Buffer;
  readonly auth: Buffer;
}

/** What has to be made anew for each message; given only where a known result is wanted. */
export interface Ephemeral {
  readonly privateKey: Buffer;
  readonly salt: Buffer;
}

export const CURVE = "prime256v1";
/** A push service takes bodies of 4,096 bytes; 86 are the header, 17 the end of the record and its tag. */
export const MOST_PLAINTEXT = 4_096 - 86 - 17;
const RECORD_SIZE = 4_096;
/** Marks the last record (RFC 8188, section 2). */
const END = Buffer.from([2]);

/**
 * A message's body in the coding `aes128gcm`: one record that only the recipient can read (RFC 8291, RFC 8188). Throws
 * where `p256dh` is no point of the curve.
 */
export function encrypt(plaintext: Buffer, { p256dh, auth }: Recipient, ephemeral?: Ephemeral): Buffer {
  const ecdh = createECDH(CURVE);
  if (ephemeral === undefined) ecdh.generateKeys();
  else ecdh.setPrivateKey(ephemeral.privateKey);
  const salt = ephemeral?.salt ?? randomBytes(16);
  const own = ecdh.getPublicKey();
  const keyInfo = Buffer.concat([Buffer.from("WebPush: info\0"), p256dh, own]);
  const input = derive(ecdh.computeSecret(p256dh), auth, keyInfo, 32);
  const key = derive(input, salt, "Content-Encoding: aes128gcm\0", 16);
  const nonce = derive(input, salt, "Content-Encoding: nonce\0", 12);
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  const header = Buffer.alloc(21);
  salt.copy(header);
  header.writeUInt32BE(RECORD_SIZE, 16);
  header.writeUInt8(own.length, 20);
  return Buffer.concat([
    header,
    own,
    cipher.update(plaintext),
    cipher.update(END),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

function derive(input: Buffer, salt: Buffer, info: Buffer | string, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", input, salt, info, length));
}
