import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import type { CryptoProvider } from "../../src/ports/crypto.js";

/** The same primitives by other hands: curves, KEM and AEAD of @noble, hashes of Node. */
export const nobleProvider: CryptoProvider = {
  random: (length) => new Uint8Array(randomBytes(length)),
  sha256: (data) => new Uint8Array(createHash("sha256").update(data).digest()),
  sha512: (data) => new Uint8Array(createHash("sha512").update(data).digest()),
  hmacSha256: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
  hkdfSha256: (salt, material, info, length) => new Uint8Array(hkdfSync("sha256", material, salt, info, length)),
  agreementKeys: (seed) => ({ public: x25519.getPublicKey(seed), secret: seed.slice() }),
  agree: (secret, theirs) => (isSmallOrAlias(theirs) ? null : orNull(() => x25519.getSharedSecret(secret, theirs))),
  signingKeys: (seed) => ({ public: ed25519.getPublicKey(seed), secret: seed.slice() }),
  sign: (secret, data) => ed25519.sign(data, secret),
  verify: (key, data, signature) => orNull(() => ed25519.verify(signature, data, key, { zip215: false })) ?? false,
  agreementSecret: (signingSecret) => ed25519.utils.toMontgomerySecret(signingSecret),
  agreementKey: (signingKey) => orNull(() => ed25519.utils.toMontgomery(signingKey)),
  kemKeys: (seed) => ({ public: ml_kem768.keygen(seed).publicKey, secret: seed.slice() }),
  encapsulate: (key, coins) =>
    orNull(() => {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(key, coins);
      return { ciphertext: cipherText, secret: sharedSecret };
    }),
  decapsulate: (secret, ciphertext) => ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(secret).secretKey),
  encrypt: (key, nonce, plaintext, associated) => xchacha20poly1305(key, nonce, associated).encrypt(plaintext),
  decrypt: (key, nonce, ciphertext, associated) =>
    orNull(() => xchacha20poly1305(key, nonce, associated).decrypt(ciphertext)),
  equal: (one, other) => one.length === other.length && timingSafeEqual(one, other),
  wipe: (...secrets) => {
    for (const secret of secrets) secret.fill(0);
  },
};

/** By arithmetic on the number, where the product compares bytes. */
function isSmallOrAlias(point: Uint8Array): boolean {
  const value = BigInt(`0x${Buffer.from(point).reverse().toString("hex")}`);
  return value >= 2n ** 255n - 19n;
}

function orNull<T>(compute: () => T): T | null {
  try {
    return compute();
  } catch {
    return null;
  }
}
