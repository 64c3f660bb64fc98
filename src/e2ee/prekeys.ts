import { ChatError } from "../errors.js";
import type { KeyPair } from "../ports/crypto.js";
import { type Address, addressBytes, concat, U32_MAX, u32, u64 } from "./bytes.js";
import { isCanonicalPoint } from "./canonical.js";
import type { Labels, Scheme } from "./scheme.js";

/** A prekey that its device signed: X25519, or ML-KEM-768. */
export interface SignedPrekey {
  /** 0 to 2^32 − 1, never used twice by a device for one kind. */
  readonly id: number;
  readonly key: Uint8Array;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly signature: Uint8Array;
}

export interface OneTimePrekey {
  readonly id: number;
  readonly key: Uint8Array;
}

/** What somebody needs to begin a session with a device, as the server hands it out. */
export interface Bundle {
  readonly address: Address;
  /** Ed25519, as the manifest of the device's user names it. */
  readonly identity: Uint8Array;
  readonly registration: number;
  readonly signedPrekey: SignedPrekey;
  readonly kemPrekey: SignedPrekey | null;
  /** Null where the device's are used up. */
  readonly oneTimePrekey: OneTimePrekey | null;
}

export type PrekeyKind = "signedPrekey" | "kemPrekey";
const KEY_LENGTH: Readonly<Record<PrekeyKind, number>> = { signedPrekey: 32, kemPrekey: 1184 };

/**
 * What a prekey's signature covers. Device and id are in it, so that a signed key can't be handed out as another
 * device's or under another id. The server checks the same bytes.
 */
export function prekeyStatement(
  labels: Pick<Labels, PrekeyKind>,
  kind: PrekeyKind,
  address: Address,
  prekey: Omit<SignedPrekey, "signature">,
): Uint8Array {
  return concat(labels[kind], addressBytes(address), u32(prekey.id), u64(prekey.createdAt), prekey.key);
}

/** Signs the public half of a prekey of one's own. */
export function signPrekey(
  { crypto, labels }: Scheme,
  kind: PrekeyKind,
  address: Address,
  identity: KeyPair,
  { id, key, createdAt }: Omit<SignedPrekey, "signature">,
): SignedPrekey {
  if (!Number.isInteger(id) || id < 0 || id > U32_MAX) {
    throw new ChatError("invalid", `id: 0 to ${U32_MAX}`, { field: "id", limit: U32_MAX });
  }
  const statement = prekeyStatement(labels, kind, address, { id, key, createdAt });
  return { id, key, createdAt, signature: crypto.sign(identity.secret, statement) };
}

/** Throws `untrusted`, naming the prekey, for a bundle in which anything isn't as its device signed it. */
export function checkBundle(scheme: Scheme, bundle: Bundle): void {
  checkPrekey(scheme, "signedPrekey", bundle, bundle.signedPrekey);
  if (bundle.kemPrekey) checkPrekey(scheme, "kemPrekey", bundle, bundle.kemPrekey);
  if (!isCanonicalPoint(bundle.signedPrekey.key)) throw untrusted("signedPrekey");
  const oneTime = bundle.oneTimePrekey;
  if (oneTime && !(oneTime.key.length === 32 && isCanonicalPoint(oneTime.key))) throw untrusted("oneTimePrekey");
}

function checkPrekey({ crypto, labels }: Scheme, kind: PrekeyKind, bundle: Bundle, prekey: SignedPrekey): void {
  const statement = prekeyStatement(labels, kind, bundle.address, prekey);
  const right = prekey.key.length === KEY_LENGTH[kind] && crypto.verify(bundle.identity, statement, prekey.signature);
  if (!right) throw untrusted(kind);
}

export function untrusted(field: string): ChatError {
  return new ChatError("untrusted", `${field}: not signed as it has to be`, { field });
}
