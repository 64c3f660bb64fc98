import type { UserId } from "../model/ids.js";
import type { CryptoProvider } from "../ports/crypto.js";
import { concat, prefixed, utf8 } from "./bytes.js";

/** Who is compared: a user and their account key (Ed25519), which stays the same when devices come and go. */
export interface AccountHolder {
  readonly user: UserId;
  readonly key: Uint8Array;
}

const ITERATIONS = 5_200;
const HALF_LENGTH = 30;
const VERSION = new Uint8Array([0, 1]);
const QR_VERSION = 1;

/**
 * 30 bytes that stand for a key and a name: SHA-512 iterated 5,200 times, about 10 ms, so that looking for a key that
 * looks alike is expensive. The construction is that of Signal's numeric fingerprints.
 */
export function fingerprint(
  { sha512 }: CryptoProvider,
  version: Uint8Array,
  key: Uint8Array,
  name: Uint8Array,
): Uint8Array {
  let digest = concat(version, key, name);
  for (let i = 0; i < ITERATIONS; i++) digest = sha512(concat(digest, key));
  return digest.slice(0, HALF_LENGTH);
}

/** The 30 digits of a fingerprint: six groups of five bytes, each modulo 100,000. */
export function fingerprintDigits(half: Uint8Array): string {
  let digits = "";
  for (let at = 0; at < HALF_LENGTH; at += 5) {
    let value = 0;
    for (let i = at; i < at + 5; i++) value = value * 256 + (half[i] as number);
    digits += String(value % 100_000).padStart(5, "0");
  }
  return digits;
}

/** 60 digits that two people read to each other. Both sides see the same ones. */
export function safetyNumber(crypto: CryptoProvider, us: AccountHolder, them: AccountHolder): string {
  const halves = [us, them].map((holder) => fingerprintDigits(halfOf(crypto, holder)));
  return halves.sort().join("");
}

/** What a QR code holds that is shown to the other: 61 bytes, own half first. */
export function safetyCode(crypto: CryptoProvider, us: AccountHolder, them: AccountHolder): Uint8Array {
  return concat(new Uint8Array([QR_VERSION]), halfOf(crypto, us), halfOf(crypto, them));
}

/** Whether a code that was scanned from the other's screen is what it should be. */
export function isTheirCode(
  crypto: CryptoProvider,
  us: AccountHolder,
  them: AccountHolder,
  scanned: Uint8Array,
): boolean {
  return crypto.equal(scanned, safetyCode(crypto, them, us));
}

function halfOf(crypto: CryptoProvider, { user, key }: AccountHolder): Uint8Array {
  return fingerprint(crypto, VERSION, key, prefixed(utf8(user)));
}
