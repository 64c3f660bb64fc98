import { ChatError } from "../errors.js";
import type { CryptoProvider } from "../ports/crypto.js";
import { utf8 } from "./bytes.js";

/** The words that keys are derived for, so that no key serves two ends. None is a prefix of another. */
export interface Labels {
  readonly handshake: Uint8Array;
  readonly root: Uint8Array;
  readonly message: Uint8Array;
  readonly associated: Uint8Array;
  readonly group: Uint8Array;
  readonly groupAssociated: Uint8Array;
  readonly signedPrekey: Uint8Array;
  readonly kemPrekey: Uint8Array;
  readonly manifest: Uint8Array;
  readonly device: Uint8Array;
}

/** Authenticated encryption under a key that is used once. */
export interface Aead {
  readonly keyLength: number;
  /** Random bytes that travel with the message. */
  readonly nonceLength: number;
  /** Bytes by which a ciphertext is longer. */
  readonly overhead: number;
  encrypt(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array;
  /** Null where anything isn't as it was. */
  decrypt(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, associated: Uint8Array): Uint8Array | null;
}

/** All that the protocol takes from outside: the primitives, the words, and where random bytes come from. */
export interface Scheme {
  readonly crypto: CryptoProvider;
  readonly labels: Labels;
  readonly aead: Aead;
  /** As many random bytes as asked for, never the same ones again. */
  readonly random: (length: number) => Uint8Array;
}

/** Bytes that an application's name has at least, so that two applications don't have one name by chance. */
export const APP_NAME_MIN = 8;

/**
 * The scheme of an application. `app` (8 to 64 bytes) goes into every key and signature: what was made for one
 * application means nothing to another. Throws `invalid` where it is too short or too long.
 */
export function schemeFor(app: string, crypto: CryptoProvider, random = crypto.random): Scheme {
  const length = utf8(app).length;
  if (length < APP_NAME_MIN || length > 64) {
    throw new ChatError("invalid", `app: ${APP_NAME_MIN} to 64 bytes`, { field: "app", limit: 64 });
  }
  const aead: Aead = {
    keyLength: 32,
    nonceLength: 24,
    overhead: 16,
    encrypt: crypto.encrypt,
    decrypt: crypto.decrypt,
  };
  return { crypto, labels: labelsFor(app), aead, random };
}

function labelsFor(app: string): Labels {
  const label = (end: string) => utf8(`${app}/e2ee/v1/${end}`);
  return {
    handshake: label("x3dh"),
    root: label("root"),
    message: label("msg"),
    associated: label("aad"),
    group: label("group"),
    groupAssociated: label("gaad"),
    signedPrekey: label("spk"),
    kemPrekey: label("kpk"),
    manifest: label("manifest"),
    device: label("device"),
  };
}
