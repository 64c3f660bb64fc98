import type { KeyPair } from "../ports/crypto.js";
import { type Address, addressBytes, concat, u32 } from "./bytes.js";
import { type Bundle, checkBundle, untrusted } from "./prekeys.js";
import { undecryptable } from "./ratchet.js";
import type { Scheme } from "./scheme.js";
import { type PrekeyHeader, SUITE, type Suite } from "./wire.js";

/** A device's own lasting part of a handshake. `identity` are Ed25519 keys. */
export interface Self {
  readonly address: Address;
  readonly identity: KeyPair;
  readonly registration: number;
}

/** The own prekeys that a first message names. */
export interface UsedPrekeys {
  readonly signed: KeyPair;
  readonly oneTime: KeyPair | null;
  readonly kem: KeyPair | null;
}

/** Whom a session is between, as both sides put it: who began, and who was written to. */
interface Parties {
  readonly initiator: Address;
  readonly initiatorIdentity: Uint8Array;
  readonly responder: Address;
  readonly responderIdentity: Uint8Array;
}

/** The public keys of the responder's prekeys, in the order of the header's ids. */
interface PublicPrekeys {
  readonly signed: Uint8Array;
  readonly oneTime: Uint8Array | null;
  readonly kem: Uint8Array | null;
}

/**
 * Begins a session: X3DH (Marlinspike and Perrin), with ML-KEM-768 as in PQXDH (Kret and Schmidt) where the bundle has
 * a KEM prekey and `suite` says so. Identities are Ed25519 keys, which agree in their X25519 form.
 *
 * Answers the secret of 32 bytes and the header of the first message. Throws `untrusted` for a bundle that isn't signed
 * as it has to be, or lacks what the suite needs: there is no falling back to the classic suite.
 */
export function initiate(scheme: Scheme, self: Self, bundle: Bundle, suite: Suite) {
  checkBundle(scheme, bundle);
  const { crypto } = scheme;
  if (suite === SUITE.pq && !bundle.kemPrekey) throw untrusted("kemPrekey");
  const ephemeral = crypto.agreementKeys(scheme.random(32));
  const kemPrekey = suite === SUITE.pq ? bundle.kemPrekey : null;
  const capsule = kemPrekey && crypto.encapsulate(kemPrekey.key, scheme.random(32));
  const theirIdentity = crypto.agreementKey(bundle.identity);
  if (!theirIdentity || (kemPrekey && !capsule)) throw untrusted(theirIdentity ? "kemPrekey" : "identity");
  const header: PrekeyHeader = {
    suite,
    identity: self.identity.public,
    ephemeral: ephemeral.public,
    registration: self.registration,
    signedPrekey: bundle.signedPrekey.id,
    oneTimePrekey: bundle.oneTimePrekey?.id ?? null,
    kem: kemPrekey && capsule && { id: kemPrekey.id, ciphertext: capsule.ciphertext },
  };
  const agreed = [
    crypto.agree(crypto.agreementSecret(self.identity.secret), bundle.signedPrekey.key),
    crypto.agree(ephemeral.secret, theirIdentity),
    crypto.agree(ephemeral.secret, bundle.signedPrekey.key),
    ...(bundle.oneTimePrekey ? [crypto.agree(ephemeral.secret, bundle.oneTimePrekey.key)] : []),
  ].map((secret) => {
    if (secret === null) throw untrusted("signedPrekey");
    return secret;
  });
  if (capsule) agreed.push(capsule.secret);
  const parties: Parties = {
    initiator: self.address,
    initiatorIdentity: self.identity.public,
    responder: bundle.address,
    responderIdentity: bundle.identity,
  };
  const prekeys = {
    signed: bundle.signedPrekey.key,
    oneTime: bundle.oneTimePrekey?.key ?? null,
    kem: kemPrekey?.key ?? null,
  };
  return { secret: derive(scheme, agreed, transcript(parties, header, prekeys), suite), header };
}

/** The secret of the session that `them` began. Throws `undecryptable` where the header's keys can't be agreed with. */
export function respond(
  scheme: Scheme,
  self: Self,
  them: Address,
  header: PrekeyHeader,
  prekeys: UsedPrekeys,
): Uint8Array {
  const { crypto } = scheme;
  const theirIdentity = crypto.agreementKey(header.identity);
  if (!theirIdentity) throw undecryptable("ik");
  const agreed = [
    crypto.agree(prekeys.signed.secret, theirIdentity),
    crypto.agree(crypto.agreementSecret(self.identity.secret), header.ephemeral),
    crypto.agree(prekeys.signed.secret, header.ephemeral),
    ...(prekeys.oneTime ? [crypto.agree(prekeys.oneTime.secret, header.ephemeral)] : []),
  ].map((secret) => {
    if (secret === null) throw undecryptable("ek");
    return secret;
  });
  if (header.kem && prekeys.kem) agreed.push(crypto.decapsulate(prekeys.kem.secret, header.kem.ciphertext));
  const parties: Parties = {
    initiator: them,
    initiatorIdentity: header.identity,
    responder: self.address,
    responderIdentity: self.identity.public,
  };
  const publics = {
    signed: prekeys.signed.public,
    oneTime: prekeys.oneTime?.public ?? null,
    kem: prekeys.kem?.public ?? null,
  };
  return derive(scheme, agreed, transcript(parties, header, publics), header.suite);
}

/** All that both sides have to see alike: who they are, and every key and id in use. */
function transcript(parties: Parties, header: PrekeyHeader, prekeys: PublicPrekeys): Uint8Array {
  const none = new Uint8Array(0);
  return concat(
    addressBytes(parties.initiator),
    addressBytes(parties.responder),
    parties.initiatorIdentity,
    parties.responderIdentity,
    header.ephemeral,
    new Uint8Array([prekeys.oneTime ? 1 : 0, prekeys.kem ? 1 : 0]),
    u32(header.signedPrekey),
    prekeys.signed,
    prekeys.oneTime ? concat(u32(header.oneTimePrekey ?? 0), prekeys.oneTime) : none,
    header.kem && prekeys.kem ? concat(u32(header.kem.id), prekeys.kem, header.kem.ciphertext) : none,
  );
}

function derive({ crypto, labels }: Scheme, agreed: Uint8Array[], seen: Uint8Array, suite: Suite): Uint8Array {
  const material = concat(FILL, ...agreed);
  const info = concat(labels.handshake, new Uint8Array([suite]), crypto.sha256(seen));
  const secret = crypto.hkdfSha256(new Uint8Array(32), material, info, 32);
  crypto.wipe(material, ...agreed);
  return secret;
}

/** No X25519 key is encoded like this, so the input can't be mistaken for one of another use of the same keys. */
const FILL = new Uint8Array(32).fill(0xff);
