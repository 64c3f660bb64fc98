import { ChatError } from "../errors.js";
import { type Address, addressBytes, concat } from "./bytes.js";
import { initiate, respond, type Self, type UsedPrekeys } from "./handshake.js";
import { pad, unpad } from "./padding.js";
import type { Bundle } from "./prekeys.js";
import {
  BOUNDS,
  type Bounds,
  initiatorRatchet,
  type Ratchet,
  ratchetDecrypt,
  ratchetEncrypt,
  responderRatchet,
  undecryptable,
} from "./ratchet.js";
import type { Scheme } from "./scheme.js";
import { type PrekeyHeader, parsePrekeyMessage, prekeyHeader, SUITE, type Suite, typeOf } from "./wire.js";

/** Messages under one session, after which it is time for a new one. */
export const SESSION_MESSAGES = 2 ** 20;

/**
 * What two devices share. Plain data that is never changed: each step answers the next session, to be committed
 * together with what came of it, or not at all.
 */
export interface Session {
  readonly us: Address;
  readonly them: Address;
  /** Ed25519 keys. */
  readonly ourIdentity: Uint8Array;
  readonly theirIdentity: Uint8Array;
  /** The initiator's ephemeral key, which with the initiator's identity names the session. */
  readonly base: Uint8Array;
  /** The header that precedes every message until the first one of the peer's was decrypted. */
  readonly pending: Uint8Array | null;
  /** Messages sent and received. */
  readonly messages: number;
  readonly ratchet: Ratchet;
}

/** A session that was just begun. Nothing of it has travelled yet. Throws `untrusted` (see `initiate`). */
export function beginSession(scheme: Scheme, self: Self, bundle: Bundle, suite: Suite = SUITE.pq): Session {
  const { secret, header } = initiate(scheme, self, bundle, suite);
  return {
    us: self.address,
    them: bundle.address,
    ourIdentity: self.identity.public,
    theirIdentity: bundle.identity,
    base: header.ephemeral,
    pending: prekeyHeader(header),
    messages: 0,
    ratchet: initiatorRatchet(scheme, suite, secret, bundle.signedPrekey.key),
  };
}

/** A first message, read before its prekeys are looked up: they are named in `header`. */
export interface Opening {
  readonly header: PrekeyHeader;
  /** Whether an existing session is the one that it begins, which then decrypts it. */
  isOf(session: Session): boolean;
}

/** Throws `malformed`. */
export function readOpening({ crypto }: Scheme, bytes: Uint8Array): Opening {
  const { header } = parsePrekeyMessage(bytes);
  return {
    header,
    isOf: ({ base, theirIdentity }) =>
      crypto.equal(base, header.ephemeral) && crypto.equal(theirIdentity, header.identity),
  };
}

/**
 * The session that a first message begins, and what it says. The prekeys that were used are to be deleted in the step
 * that commits the session, not before. `requirePq` is whether the sender's manifest says that it can do more than
 * the classic suite. Throws `undecryptable`, and what `ratchetDecrypt` throws.
 */
export function acceptSession(
  scheme: Scheme,
  self: Self,
  them: Address,
  bytes: Uint8Array,
  prekeys: UsedPrekeys,
  now: number,
  requirePq: boolean,
): { session: Session; plaintext: Uint8Array } {
  const { header } = parsePrekeyMessage(bytes);
  if (requirePq && header.suite !== SUITE.pq) throw undecryptable("suite");
  if ((header.oneTimePrekey === null) !== (prekeys.oneTime === null)) throw undecryptable("opk_id");
  if ((header.kem === null) !== (prekeys.kem === null)) throw undecryptable("kpk_id");
  const secret = respond(scheme, self, them, header, prekeys);
  const session: Session = {
    us: self.address,
    them,
    ourIdentity: self.identity.public,
    theirIdentity: header.identity,
    base: header.ephemeral,
    pending: null,
    messages: 0,
    ratchet: responderRatchet(header.suite, secret, prekeys.signed),
  };
  return openMessage(scheme, session, bytes, now);
}

/** Encrypts for the peer. The answered session must be durable before the message travels. */
export function sealMessage(
  scheme: Scheme,
  session: Session,
  plaintext: Uint8Array,
): { session: Session; message: Uint8Array } {
  const header = session.pending ?? new Uint8Array(0);
  const context = contextOf(scheme, session, "sending", header);
  const { ratchet, message } = ratchetEncrypt(scheme, session.ratchet, pad(plaintext), context);
  return { session: { ...session, ratchet, messages: session.messages + 1 }, message: concat(header, message) };
}

/**
 * Decrypts what the peer sent, be it a first message of this session or a later one. Whoever catches an error still
 * holds the session as it was. Throws what `ratchetDecrypt` throws.
 */
export function openMessage(
  scheme: Scheme,
  session: Session,
  bytes: Uint8Array,
  now: number,
  bounds: Bounds = BOUNDS,
): { session: Session; plaintext: Uint8Array } {
  const { header, message } = split(bytes);
  const context = contextOf(scheme, session, "receiving", header);
  const opened = ratchetDecrypt(scheme, session.ratchet, message, context, now, bounds);
  return {
    session: { ...session, pending: null, ratchet: opened.ratchet, messages: session.messages + 1 },
    plaintext: unpad(opened.plaintext),
  };
}

function split(bytes: Uint8Array): { header: Uint8Array; message: Uint8Array } {
  switch (typeOf(bytes)) {
    case "message":
      return { header: new Uint8Array(0), message: bytes };
    case "prekey": {
      const { headerBytes, message } = parsePrekeyMessage(bytes);
      return { header: headerBytes, message };
    }
    default:
      throw new ChatError("malformed", "type: not a message of a session", { field: "type" });
  }
}

/** What is bound to every message beside its own header: who sends it to whom, by which keys. */
function contextOf(
  { labels }: Scheme,
  { us, them, ourIdentity, theirIdentity }: Session,
  direction: "sending" | "receiving",
  header: Uint8Array,
): Uint8Array {
  const ends = [addressBytes(us), addressBytes(them)];
  const identities = [ourIdentity, theirIdentity];
  if (direction === "receiving") {
    ends.reverse();
    identities.reverse();
  }
  return concat(labels.associated, ...ends, ...identities, header);
}
