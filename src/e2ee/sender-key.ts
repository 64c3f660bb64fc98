import { ChatError } from "../errors.js";
import type { Uuid } from "../model/ids.js";
import type { KeyPair } from "../ports/crypto.js";
import { type Address, addressBytes, concat, malformed, Reader, u32, uuidBytes } from "./bytes.js";
import { advance, type Chain, encryptionKey, link, type SkippedKey } from "./chain.js";
import { pad, unpad } from "./padding.js";
import { BOUNDS, type Bounds, undecryptable } from "./ratchet.js";
import type { Scheme } from "./scheme.js";
import { NONCE_LENGTH, TYPE, VERSION } from "./wire.js";

/** Where a group message belongs, and who sends it. */
export interface GroupContext {
  readonly group: Uuid;
  readonly sender: Address;
}

/** A device's own key for one group: encrypts once for all members. Never changed: each step answers the next. */
export interface SendingKey {
  /** Random, so that keys of one sender are told apart. */
  readonly chainId: number;
  readonly chain: Chain;
  readonly signing: KeyPair;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Another device's key for one group, from the message on at which it was received. */
export interface ReceivingKey {
  readonly chainId: number;
  readonly chain: Chain;
  readonly verifying: Uint8Array;
  readonly skipped: readonly SkippedKey[];
}

/** Keys of one sender and group that are held at once: messages under an older one may still be on their way. */
export const KEYS_PER_SENDER = 5;

const SIGNATURE_LENGTH = 64;
const HEADER_LENGTH = 14;

export function newSendingKey({ crypto, random }: Scheme, now: number): SendingKey {
  return {
    chainId: new Reader(random(4)).u32("chain_id"),
    chain: { key: random(32), n: 0 },
    signing: crypto.signingKeys(random(32)),
    createdAt: now,
  };
}

/** What a member's device is given, inside a session with it: the key as of now, which opens nothing earlier. */
export function keyToGive({ chainId, chain, signing }: SendingKey): Uint8Array {
  return concat(new Uint8Array([VERSION]), u32(chainId), u32(chain.n), chain.key, signing.public);
}

/** Throws `malformed`. */
export function receivedKey(bytes: Uint8Array): ReceivingKey {
  const reader = new Reader(bytes);
  if (reader.u8("ver") !== VERSION) throw malformed("ver", `only ${VERSION} is known`);
  const chainId = reader.u32("chain_id");
  const n = reader.u32("n");
  const chain = { key: reader.take(32, "chain"), n };
  const verifying = reader.take(32, "verifying");
  reader.end("sender key");
  return { chainId, chain, verifying, skipped: [] };
}

/**
 * The keys of a sender with a new one, newest first, of which the oldest falls out. One that is there already stays as
 * it is: the same key given once more must not bring back messages that were decrypted.
 */
export function withKey(keys: readonly ReceivingKey[], key: ReceivingKey): readonly ReceivingKey[] {
  if (keys.some(({ chainId }) => chainId === key.chainId)) return keys;
  return [key, ...keys].slice(0, KEYS_PER_SENDER);
}

/**
 * Encrypts once for all who hold the key: ver | type | chain_id u32 | epoch u32 | n u32 | nonce 24 | ciphertext and
 * tag | signature 64. `epoch` (u32) counts the changes of the group's members. The answered key must be durable before
 * the message travels.
 */
export function sealForGroup(
  scheme: Scheme,
  key: SendingKey,
  context: GroupContext,
  epoch: number,
  plaintext: Uint8Array,
): { key: SendingKey; message: Uint8Array } {
  const { key: messageKey, next } = link(scheme, key.chain);
  const header = concat(new Uint8Array([VERSION, TYPE.group]), u32(key.chainId), u32(epoch), u32(key.chain.n));
  const nonce = scheme.random(NONCE_LENGTH);
  const encryption = encryptionKey(scheme, messageKey, scheme.labels.group);
  const associated = associatedOf(scheme, context, header);
  const body = concat(header, nonce, scheme.aead.encrypt(encryption, nonce, pad(plaintext), associated));
  const signature = scheme.crypto.sign(key.signing.secret, signed(scheme, context, body));
  return { key: { ...key, chain: next }, message: concat(body, signature) };
}

/**
 * What a group message says, its epoch, and the sender's keys behind it. The signature is checked before any key is
 * derived. Throws `malformed`; `not_found` (`chain_id`) where the key wasn't received, or no more held;
 * `undecryptable`, `replayed` and `too_large` like messages of sessions.
 */
export function openFromGroup(
  scheme: Scheme,
  keys: readonly ReceivingKey[],
  context: GroupContext,
  message: Uint8Array,
  now: number,
  bounds: Bounds = BOUNDS,
): { keys: readonly ReceivingKey[]; plaintext: Uint8Array; epoch: number } {
  const { header, chainId, epoch, n, nonce, ciphertext, body, signature } = parse(message);
  const index = keys.findIndex((one) => one.chainId === chainId);
  const key = keys[index];
  if (!key) throw new ChatError("not_found", "chain_id: its key is not here", { field: "chain_id" });
  if (!scheme.crypto.verify(key.verifying, signed(scheme, context, body), signature)) {
    throw undecryptable("signature");
  }
  const { next, messageKey } = step(scheme, key, n, now, bounds);
  const encryption = encryptionKey(scheme, messageKey, scheme.labels.group);
  const padded = scheme.aead.decrypt(encryption, nonce, ciphertext, associatedOf(scheme, context, header));
  if (padded === null) throw undecryptable("ciphertext");
  return { keys: keys.with(index, next), plaintext: unpad(padded), epoch };
}

function parse(message: Uint8Array) {
  const end = message.length - SIGNATURE_LENGTH;
  if (end < HEADER_LENGTH + NONCE_LENGTH) throw malformed("message", "too short");
  const body = message.slice(0, end);
  const reader = new Reader(body);
  if (reader.u8("ver") !== VERSION) throw malformed("ver", `only ${VERSION} is known`);
  if (reader.u8("type") !== TYPE.group) throw malformed("type", "not a group message");
  const chainId = reader.u32("chain_id");
  const epoch = reader.u32("epoch");
  const n = reader.u32("n");
  const header = reader.read();
  const nonce = reader.take(NONCE_LENGTH, "nonce");
  return { header, chainId, epoch, n, nonce, ciphertext: reader.rest(), body, signature: message.slice(end) };
}

function step(scheme: Scheme, key: ReceivingKey, n: number, now: number, bounds: Bounds) {
  if (n < key.chain.n) {
    const kept = key.skipped.find((one) => one.n === n);
    if (!kept) throw new ChatError("replayed", "n: its key was used or dropped", { field: "n" });
    return { messageKey: kept.key, next: { ...key, skipped: key.skipped.filter((one) => one !== kept) } };
  }
  if (n - key.chain.n > bounds.skip) {
    throw new ChatError("too_large", "n: passes over too many messages", { field: "n", limit: bounds.skip });
  }
  const ahead = advance(scheme, key.chain, n, now);
  const { key: messageKey, next: chain } = link(scheme, ahead.chain);
  const skipped = [...key.skipped, ...ahead.skipped].filter(({ at }) => now - at <= bounds.age).slice(-bounds.kept);
  return { messageKey, next: { ...key, chain, skipped } };
}

function associatedOf({ labels }: Scheme, context: GroupContext, header: Uint8Array): Uint8Array {
  return concat(labels.groupAssociated, groupBytes(context), header);
}

function signed({ labels }: Scheme, context: GroupContext, body: Uint8Array): Uint8Array {
  return concat(labels.group, groupBytes(context), body);
}

function groupBytes({ group, sender }: GroupContext): Uint8Array {
  return concat(uuidBytes(group), addressBytes(sender));
}
