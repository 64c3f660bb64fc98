/** Both halves of a key pair. `secret` is the seed that it was made of, which is all that has to be kept. */
export interface KeyPair {
  readonly public: Uint8Array;
  readonly secret: Uint8Array;
}

/** What encapsulation yields: `ciphertext` (1088 bytes) travels, `secret` (32 bytes) never does. */
export interface Encapsulated {
  readonly ciphertext: Uint8Array;
  readonly secret: Uint8Array;
}

/**
 * The primitives that end-to-end encryption needs, on bytes.
 *
 * - *Purity*: all but `random` are functions of their arguments alone: they keep nothing, and change no argument but
 *   that of `wipe`. What is answered is the caller's own.
 * - *Failure*: an argument of another kind or length throws `invalid`, naming it. What a peer's bytes decide is no
 *   error but an answer: null or false where a key is of low order or not canonical, or a tag or signature is wrong.
 * - *Cost*: from 2 µs (hashes, 256 bytes encrypted) to 200 µs (key pairs and agreements), on the calling thread.
 * - *Time*: meant not to depend on secrets. JavaScript and WebAssembly can't promise that.
 */
export interface CryptoProvider {
  /** `length` bytes (0 to 65,536) from the platform's secure generator. */
  random(length: number): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
  sha512(data: Uint8Array): Uint8Array;
  /** RFC 2104; a key of any length. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** RFC 5869: `length` bytes, 1 to 8,160. */
  hkdfSha256(salt: Uint8Array, material: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** X25519 (RFC 7748). `seed` (32 bytes) is the secret. */
  agreementKeys(seed: Uint8Array): KeyPair;
  /** 32 bytes that both sides compute; null for a public key that is of low order, or has a second encoding. */
  agree(secret: Uint8Array, theirs: Uint8Array): Uint8Array | null;
  /** Ed25519 (RFC 8032) from a seed of 32 bytes. */
  signingKeys(seed: Uint8Array): KeyPair;
  /** 64 bytes; `secret` is the seed. */
  sign(secret: Uint8Array, data: Uint8Array): Uint8Array;
  verify(key: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
  /** The secret that agrees with what `agreementKey` makes of the public half of the same signing keys. */
  agreementSecret(signingSecret: Uint8Array): Uint8Array;
  /** The X25519 form of an Ed25519 public key; null where it is none. */
  agreementKey(signingKey: Uint8Array): Uint8Array | null;
  /** ML-KEM-768 (FIPS 203) from a seed of 64 bytes; the public key has 1,184. */
  kemKeys(seed: Uint8Array): KeyPair;
  /** `coins` are 32 random bytes, used for nothing else. Null for a public key that isn't canonical. */
  encapsulate(key: Uint8Array, coins: Uint8Array): Encapsulated | null;
  /** `secret` is the seed. A ciphertext of another key yields a secret that nobody else computes. */
  decapsulate(secret: Uint8Array, ciphertext: Uint8Array): Uint8Array;
  /** XChaCha20-Poly1305: key 32 bytes, nonce 24; the tag's 16 bytes come last. */
  encrypt(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array;
  /** Null where key, nonce, ciphertext or associated data aren't those of the encryption. */
  decrypt(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, associated: Uint8Array): Uint8Array | null;
  /** Whether both are the same, in a time that depends on their lengths only. */
  equal(one: Uint8Array, other: Uint8Array): boolean;
  /** Overwrites with zeros. Copies that an engine made of them may remain. */
  wipe(...secrets: Uint8Array[]): void;
}
