import { ChatError } from "../errors.js";
import type { KeyPair } from "../ports/crypto.js";
import { concat } from "./bytes.js";
import { advance, type Chain, encryptionKey, link, type SkippedKey } from "./chain.js";
import type { Scheme } from "./scheme.js";
import { messageHeader, parseMessage, type RatchetMessage, type Suite } from "./wire.js";

/** The messages under one of the peer's ratchet keys. */
interface ReceivingChain {
  readonly dh: Uint8Array;
  /** Null once the peer has gone on to another key. */
  readonly chain: Chain | null;
  readonly skipped: readonly SkippedKey[];
}

/**
 * One side of a Double Ratchet (Perrin and Marlinspike, revision 4, without header encryption). Plain data that is
 * never changed: each step answers the next state, so what fails leaves no trace, and the caller commits what it likes.
 */
export interface Ratchet {
  readonly suite: Suite;
  readonly root: Uint8Array;
  readonly own: KeyPair;
  /** The peer's newest ratchet key; null before the responder's first message. */
  readonly theirs: Uint8Array | null;
  /** Null where the next message to send takes a new ratchet key first. */
  readonly sending: Chain | null;
  /** How many messages went under the own key before the present one. */
  readonly previous: number;
  /** Newest first. */
  readonly received: readonly ReceivingChain[];
}

export interface Bounds {
  /** Message keys that one message may make to be passed over. */
  readonly skip: number;
  /** Keys passed over that are kept, those of the longest past being dropped first. */
  readonly kept: number;
  /** Ratchet keys of the peer whose messages may still come. */
  readonly chains: number;
  /** Milliseconds for which a key passed over is kept. */
  readonly age: number;
}

export const BOUNDS: Bounds = { skip: 2_000, kept: 2_000, chains: 5, age: 30 * 86_400_000 };

/** The side that sends first. `theirs` is the peer's signed prekey. */
export function initiatorRatchet(scheme: Scheme, suite: Suite, secret: Uint8Array, theirs: Uint8Array): Ratchet {
  const own = scheme.crypto.agreementKeys(scheme.random(32));
  return turn(scheme, { suite, root: secret, own, theirs, sending: null, previous: 0, received: [] }, own);
}

/** The side that is written to. `own` is the signed prekey that the peer used. */
export function responderRatchet(suite: Suite, secret: Uint8Array, own: KeyPair): Ratchet {
  return { suite, root: secret, own, theirs: null, sending: null, previous: 0, received: [] };
}

/**
 * A message of the wire's layout, and the state behind it. `context` is bound to it with every byte of its header.
 * Throws `refused` on the side that is written to before the first message came, `too_large` at a chain's end.
 */
export function ratchetEncrypt(scheme: Scheme, ratchet: Ratchet, plaintext: Uint8Array, context: Uint8Array) {
  const ready = ratchet.sending ? ratchet : turn(scheme, ratchet, scheme.crypto.agreementKeys(scheme.random(32)));
  const sending = ready.sending as Chain;
  const { key, next } = link(scheme, sending);
  const header = messageHeader(ready.suite, ready.own.public, ready.previous, sending.n);
  const nonce = scheme.random(scheme.aead.nonceLength);
  const encryption = encryptionKey(scheme, key, scheme.labels.message);
  const ciphertext = scheme.aead.encrypt(encryption, nonce, plaintext, concat(context, header));
  return { ratchet: { ...ready, sending: next }, message: concat(header, nonce, ciphertext) };
}

/**
 * What a message says, and the state behind it. `now` is in milliseconds since 1970, and only dates keys.
 *
 * Throws `malformed`; `too_large` where more keys would have to be passed over than `bounds` allow, before any is
 * derived; `replayed` where its key was used or dropped; `undecryptable` where it isn't what the peer sent.
 */
export function ratchetDecrypt(
  scheme: Scheme,
  ratchet: Ratchet,
  bytes: Uint8Array,
  context: Uint8Array,
  now: number,
  bounds: Bounds = BOUNDS,
): { ratchet: Ratchet; plaintext: Uint8Array } {
  const message = parseMessage(bytes);
  if (message.suite !== ratchet.suite) throw undecryptable("suite");
  const known = ratchet.received.findIndex(({ dh }) => scheme.crypto.equal(dh, message.dh));
  const { next, key } =
    known < 0
      ? underNewKey(scheme, ratchet, message, now, bounds)
      : underKnownKey(scheme, ratchet, known, message, now, bounds);
  const header = messageHeader(message.suite, message.dh, message.pn, message.n);
  const encryption = encryptionKey(scheme, key, scheme.labels.message);
  const plaintext = scheme.aead.decrypt(encryption, message.nonce, message.ciphertext, concat(context, header));
  if (plaintext === null) throw undecryptable("ciphertext");
  return { ratchet: { ...next, received: prune(next.received, now, bounds) }, plaintext };
}

export function undecryptable(field: string): ChatError {
  return new ChatError("undecryptable", `${field}: not what was sent`, { field });
}

/** A new own ratchet key, and the sending chain that it begins. */
function turn(scheme: Scheme, ratchet: Ratchet, own: KeyPair): Ratchet {
  if (!ratchet.theirs) throw new ChatError("refused", "the first message is the peer's");
  const { root, chain } = rootStep(scheme, ratchet.root, own.secret, ratchet.theirs);
  return { ...ratchet, root, own, sending: chain };
}

function rootStep({ crypto, labels }: Scheme, root: Uint8Array, secret: Uint8Array, theirs: Uint8Array) {
  const agreed = crypto.agree(secret, theirs);
  if (agreed === null) throw undecryptable("dh");
  const both = crypto.hkdfSha256(root, agreed, labels.root, 64);
  return { root: both.slice(0, 32), chain: { key: both.slice(32), n: 0 } satisfies Chain };
}

interface Step {
  readonly next: Ratchet;
  /** The message's key. */
  readonly key: Uint8Array;
}

/** The peer took a new ratchet key: its chain before ends at `pn`, and the own next message takes a new key too. */
function underNewKey(scheme: Scheme, ratchet: Ratchet, message: RatchetMessage, now: number, bounds: Bounds): Step {
  const [newest, ...older] = ratchet.received;
  const unseen = newest?.chain ? Math.max(0, message.pn - newest.chain.n) : 0;
  checkSkip(unseen + message.n, bounds);
  const { root, chain } = rootStep(scheme, ratchet.root, ratchet.own.secret, message.dh);
  const before = newest ? [ended(scheme, newest, message.pn, now), ...older] : [];
  const { chain: at, skipped } = advance(scheme, chain, message.n, now);
  const { key, next } = link(scheme, at);
  return {
    key,
    next: {
      ...ratchet,
      root,
      theirs: message.dh,
      sending: null,
      previous: ratchet.sending?.n ?? ratchet.previous,
      received: [{ dh: message.dh, chain: next, skipped }, ...before],
    },
  };
}

function ended(scheme: Scheme, { dh, chain, skipped }: ReceivingChain, pn: number, now: number): ReceivingChain {
  if (!chain) return { dh, chain, skipped };
  return { dh, chain: null, skipped: [...skipped, ...advance(scheme, chain, pn, now).skipped] };
}

function underKnownKey(
  scheme: Scheme,
  ratchet: Ratchet,
  index: number,
  message: RatchetMessage,
  now: number,
  bounds: Bounds,
): Step {
  const receiving = ratchet.received[index] as ReceivingChain;
  const { chain, skipped } = receiving;
  const put = (changed: Partial<ReceivingChain>): Ratchet => ({
    ...ratchet,
    received: ratchet.received.with(index, { ...receiving, ...changed }),
  });
  if (chain && message.n >= chain.n) {
    checkSkip(message.n - chain.n, bounds);
    const ahead = advance(scheme, chain, message.n, now);
    const { key, next } = link(scheme, ahead.chain);
    return { key, next: put({ chain: next, skipped: [...skipped, ...ahead.skipped] }) };
  }
  const kept = skipped.find(({ n }) => n === message.n);
  if (!kept) throw new ChatError("replayed", "n: its key was used or dropped", { field: "n" });
  return { key: kept.key, next: put({ skipped: skipped.filter((one) => one !== kept) }) };
}

/** Before any key is derived: a header that nobody has authenticated must not cost more. */
function checkSkip(count: number, { skip }: Bounds): void {
  if (count <= skip) return;
  throw new ChatError("too_large", `n: passes over ${count} messages`, { field: "n", limit: skip });
}

function prune(received: readonly ReceivingChain[], now: number, bounds: Bounds): ReceivingChain[] {
  let room = bounds.kept;
  return received.slice(0, bounds.chains).map(({ dh, chain, skipped }) => {
    const fresh = skipped.filter(({ at }) => now - at <= bounds.age);
    const kept = room > 0 ? fresh.slice(-room) : [];
    room -= kept.length;
    return { dh, chain, skipped: kept };
  });
}
