import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import sodium from "libsodium-wrappers";
import { ChatError } from "../errors.js";
import type { CryptoProvider } from "../ports/crypto.js";
import { isCanonicalPoint } from "./canonical.js";

/** Bytes that one call of `getRandomValues` answers at most. */
const RANDOM_MAX = 65_536;
/** What HKDF-SHA-256 yields at most: 255 blocks. */
const HKDF_MAX = 255 * 32;

/**
 * The provider on libsodium, with the hashes of @noble, which libsodium's standard build lacks. Waits until its
 * WebAssembly is compiled; a page's content security policy has to allow `wasm-unsafe-eval` for that.
 *
 * libsodium's own generator is never asked (a call costs 20 times as much as the platform's), and its functions see
 * nothing but bytes of the right length: the wrapper would take texts for bytes, and throws errors that say little.
 */
export async function libsodiumProvider(): Promise<CryptoProvider> {
  await sodium.ready;
  return PROVIDER;
}

const PROVIDER: CryptoProvider = {
  random(length) {
    within("length", length, 0, RANDOM_MAX);
    return globalThis.crypto.getRandomValues(new Uint8Array(length));
  },

  sha256: (data) => sha256(bytes("data", data)),

  sha512: (data) => sha512(bytes("data", data)),

  hmacSha256: (key, data) => hmac(sha256, bytes("key", key), bytes("data", data)),

  hkdfSha256(salt, material, info, length) {
    within("length", length, 1, HKDF_MAX);
    return hkdf(sha256, bytes("material", material), bytes("salt", salt), bytes("info", info), length);
  },

  agreementKeys(seed) {
    const secret = bytes("seed", seed, 32).slice();
    return { public: sodium.crypto_scalarmult_base(secret), secret };
  },

  agree(secret, theirs) {
    bytes("secret", secret, 32);
    if (!isCanonicalPoint(bytes("theirs", theirs, 32))) return null;
    return orNull(() => sodium.crypto_scalarmult(secret, theirs));
  },

  signingKeys(seed) {
    const secret = bytes("seed", seed, 32).slice();
    const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(secret);
    sodium.memzero(privateKey);
    return { public: publicKey, secret };
  },

  sign(secret, data) {
    bytes("data", data);
    return withExpanded(secret, (expanded) => sodium.crypto_sign_detached(data, expanded));
  },

  verify(key, data, signature) {
    if (bytes("signature", signature).length !== 64) return false;
    bytes("data", data);
    return orNull(() => sodium.crypto_sign_verify_detached(signature, data, bytes("key", key, 32))) ?? false;
  },

  agreementSecret: (signingSecret) =>
    withExpanded(signingSecret, (expanded) => sodium.crypto_sign_ed25519_sk_to_curve25519(expanded)),

  agreementKey(signingKey) {
    bytes("signingKey", signingKey, 32);
    return orNull(() => sodium.crypto_sign_ed25519_pk_to_curve25519(signingKey));
  },

  kemKeys(seed) {
    const secret = bytes("seed", seed, 64).slice();
    const { publicKey, privateKey } = sodium.crypto_kem_mlkem768_seed_keypair(secret);
    sodium.memzero(privateKey);
    return { public: publicKey, secret };
  },

  encapsulate(key, coins) {
    bytes("key", key, 1184);
    bytes("coins", coins, 32);
    const made = orNull(() => sodium.crypto_kem_mlkem768_enc_deterministic(key, coins));
    return made && { ciphertext: made.ciphertext, secret: made.sharedSecret };
  },

  decapsulate(secret, ciphertext) {
    bytes("ciphertext", ciphertext, 1088);
    const { privateKey } = sodium.crypto_kem_mlkem768_seed_keypair(bytes("secret", secret, 64));
    const shared = sodium.crypto_kem_mlkem768_dec(ciphertext, privateKey);
    sodium.memzero(privateKey);
    return shared;
  },

  encrypt(key, nonce, plaintext, associated) {
    bytes("key", key, 32);
    bytes("nonce", nonce, 24);
    bytes("plaintext", plaintext);
    return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
      plaintext,
      bytes("associated", associated),
      null,
      nonce,
      key,
    );
  },

  decrypt(key, nonce, ciphertext, associated) {
    bytes("key", key, 32);
    bytes("nonce", nonce, 24);
    bytes("associated", associated);
    if (bytes("ciphertext", ciphertext).length < 16) return null;
    return orNull(() => sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, ciphertext, associated, nonce, key));
  },

  equal: (one, other) =>
    bytes("one", one).length === bytes("other", other).length && (one.length === 0 || sodium.memcmp(one, other)),

  wipe(...secrets) {
    for (const secret of secrets) bytes("secrets", secret).fill(0);
  },
};

/** Its argument, where it is bytes, and as many as they have to be. */
function bytes(field: string, value: Uint8Array, length?: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ChatError("invalid", `${field}: bytes are needed`, { field });
  if (length !== undefined && value.length !== length) {
    throw new ChatError("invalid", `${field}: ${length} bytes are needed`, { field, limit: length });
  }
  return value;
}

function within(field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ChatError("invalid", `${field}: from ${least} to ${most}`, { field, limit: most });
}

/** Once arguments have been checked, libsodium throws for what a peer's bytes are, and for nothing else. */
function orNull<T>(compute: () => T): T | null {
  try {
    return compute();
  } catch {
    return null;
  }
}

/** What `use` makes of the 64 bytes that libsodium takes for an Ed25519 secret; they are overwritten afterwards. */
function withExpanded(seed: Uint8Array, use: (expanded: Uint8Array) => Uint8Array): Uint8Array {
  const { privateKey } = sodium.crypto_sign_seed_keypair(bytes("secret", seed, 32));
  const made = use(privateKey);
  sodium.memzero(privateKey);
  return made;
}
