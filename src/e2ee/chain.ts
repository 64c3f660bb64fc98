import { ChatError } from "../errors.js";
import type { Scheme } from "./scheme.js";

/** A symmetric ratchet: `key` gives the key of message `n` and the key of the next link, and neither gives it back. */
export interface Chain {
  readonly key: Uint8Array;
  readonly n: number;
}

/** A message key that was passed over, for a message that may still come. */
export interface SkippedKey {
  readonly n: number;
  readonly key: Uint8Array;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** No chain grows beyond: a counter has 31 bits. */
export const CHAIN_MAX = 2 ** 31;

const MESSAGE = new Uint8Array([1]);
const NEXT = new Uint8Array([2]);

/** The key of message `chain.n`, and the chain behind it. */
export function link({ crypto }: Scheme, chain: Chain): { key: Uint8Array; next: Chain } {
  if (chain.n >= CHAIN_MAX) {
    throw new ChatError("too_large", "n: the chain is at its end", { field: "n", limit: CHAIN_MAX });
  }
  return {
    key: crypto.hmacSha256(chain.key, MESSAGE),
    next: { key: crypto.hmacSha256(chain.key, NEXT), n: chain.n + 1 },
  };
}

/** The chain at message `n`, and the keys of those before it. The caller has bounded how many these are. */
export function advance(scheme: Scheme, chain: Chain, n: number, at: number): { chain: Chain; skipped: SkippedKey[] } {
  const skipped: SkippedKey[] = [];
  let here = chain;
  while (here.n < n) {
    const { key, next } = link(scheme, here);
    skipped.push({ n: here.n, key, at });
    here = next;
  }
  return { chain: here, skipped };
}

/** The key that encrypts, made of a chain's message key for one end. */
export function encryptionKey({ crypto, aead }: Scheme, messageKey: Uint8Array, label: Uint8Array): Uint8Array {
  return crypto.hkdfSha256(ZEROS, messageKey, label, aead.keyLength);
}

const ZEROS = new Uint8Array(32);
