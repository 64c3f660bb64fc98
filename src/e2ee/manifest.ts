import type { UserId, Uuid } from "../model/ids.js";
import type { KeyPair } from "../ports/crypto.js";
import { type Address, addressBytes, concat, malformed, prefixed, Reader, u32, u64, utf8, uuidBytes } from "./bytes.js";
import { untrusted } from "./prekeys.js";
import type { Scheme } from "./scheme.js";

/** One of a user's devices. */
export interface ListedDevice {
  readonly device: Uuid;
  /** Its identity, an Ed25519 key. */
  readonly identity: Uint8Array;
  /** Milliseconds since 1970. */
  readonly addedAt: number;
}

/**
 * The list of a user's devices. Only the holder of the account key can make one, so the server can withhold the newest
 * and no more: a device that isn't listed gets neither session nor sender key.
 */
export interface Manifest {
  readonly user: UserId;
  /** From 1, one more with each change. */
  readonly version: number;
  /** SHA-256 of the version before with its signature; 32 zeros before the first. */
  readonly previous: Uint8Array;
  /** Milliseconds since 1970. For people; nothing is decided by it. */
  readonly createdAt: number;
  readonly devices: readonly ListedDevice[];
  /** Whether the user's devices take the suite with ML-KEM. Once true, the classic one is refused of them. */
  readonly pq: boolean;
}

export const DEVICES_MAX = 64;
const USER_MAX = 128;
const SIGNATURE_LENGTH = 64;
const LAYOUT = 1;

/** A manifest as it is stored and handed out: its bytes, and behind them the signature of the account key. */
export function signManifest({ crypto, labels }: Scheme, account: KeyPair, manifest: Manifest): Uint8Array {
  const body = encode(manifest);
  return concat(body, crypto.sign(account.secret, concat(labels.manifest, body)));
}

/**
 * Reads a manifest that has to follow on `known`, the newest one that was seen of the user (null: none yet), and be
 * signed by `account`. One that was seen already passes. Throws `malformed`, and `untrusted` naming what is wrong:
 * signature, user, version (older than known, or another of the same number), previous.
 *
 * Versions between may be missing: `previous` is compared where `version` is the next one.
 */
export function readManifest(
  scheme: Scheme,
  user: UserId,
  account: Uint8Array,
  signed: Uint8Array,
  known: Uint8Array | null,
): Manifest {
  const body = signed.slice(0, -SIGNATURE_LENGTH);
  const manifest = decode(body);
  const { crypto, labels } = scheme;
  if (!crypto.verify(account, concat(labels.manifest, body), signed.slice(-SIGNATURE_LENGTH))) {
    throw untrusted("signature");
  }
  if (manifest.user !== user) throw untrusted("user");
  if (known === null) return manifest;
  const before = decode(known.slice(0, -SIGNATURE_LENGTH));
  const same = manifest.version === before.version && crypto.equal(signed, known);
  if (manifest.version <= before.version && !same) throw untrusted("version");
  if (manifest.version === before.version + 1 && !crypto.equal(manifest.previous, manifestHash(scheme, known))) {
    throw untrusted("previous");
  }
  if (before.pq && !manifest.pq) throw untrusted("pq");
  return manifest;
}

/** The link of the chain: what the next version calls `previous`, and what peers tell each other to compare. */
export function manifestHash({ crypto }: Scheme, signed: Uint8Array): Uint8Array {
  return crypto.sha256(signed);
}

/** What a device signs with its identity to say that it belongs to an account, so that nobody else can list it. */
export function claimAccount({ crypto, labels }: Scheme, self: Address, identity: KeyPair, account: Uint8Array) {
  return crypto.sign(identity.secret, concat(labels.device, addressBytes(self), account));
}

export function isAccountClaimed(
  { crypto, labels }: Scheme,
  device: Address,
  identity: Uint8Array,
  account: Uint8Array,
  signature: Uint8Array,
): boolean {
  return crypto.verify(identity, concat(labels.device, addressBytes(device), account), signature);
}

function encode({ user, version, previous, createdAt, devices, pq }: Manifest): Uint8Array {
  return concat(
    new Uint8Array([LAYOUT, pq ? 1 : 0]),
    prefixed(utf8(user)),
    u32(version),
    previous,
    u64(createdAt),
    u32(devices.length),
    ...devices.flatMap(({ device, identity, addedAt }) => [uuidBytes(device), identity, u64(addedAt)]),
  );
}

function decode(body: Uint8Array): Manifest {
  const reader = new Reader(body);
  if (reader.u8("layout") !== LAYOUT) throw malformed("layout", `only ${LAYOUT} is known`);
  const flags = reader.u8("caps");
  if (flags > 1) throw malformed("caps", "unknown ones");
  const user = reader.text(USER_MAX, "user");
  const version = reader.u32("version");
  const previous = reader.take(32, "previous");
  const createdAt = reader.u64("created_at");
  const count = reader.u32("devices");
  if (count > DEVICES_MAX) throw malformed("devices", `at most ${DEVICES_MAX}`);
  const devices: ListedDevice[] = [];
  for (let i = 0; i < count; i++) {
    devices.push({ device: reader.uuid("device"), identity: reader.take(32, "ik"), addedAt: reader.u64("added_at") });
  }
  if (new Set(devices.map(({ device }) => device)).size !== count) throw malformed("devices", "one is there twice");
  reader.end("manifest");
  return { user, version, previous, createdAt, devices, pq: flags === 1 };
}
