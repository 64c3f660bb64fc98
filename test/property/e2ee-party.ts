import type { Self, UsedPrekeys } from "../../src/e2ee/handshake.js";
import { libsodiumProvider } from "../../src/e2ee/libsodium-provider.js";
import { type Bundle, signPrekey } from "../../src/e2ee/prekeys.js";
import { type Scheme, schemeFor } from "../../src/e2ee/scheme.js";
import { acceptSession, beginSession, openMessage, type Session, sealMessage } from "../../src/e2ee/session.js";
import { SUITE, type Suite } from "../../src/e2ee/wire.js";

export const crypto = await libsodiumProvider();

/** Random bytes that are the same in each run: SHA-256 of a seed and a counter. */
export function countedRandom(seed: number): (length: number) => Uint8Array {
  let count = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = crypto.sha256(new TextEncoder().encode(`${seed}/${count++}`));
      bytes.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return bytes;
  };
}

export function scheme(seed: number): Scheme {
  return schemeFor("sentseen-tests", crypto, countedRandom(seed));
}

const DEVICES: Readonly<Record<string, string>> = {
  alice: "018f0000-0000-7000-8000-00000000000a",
  bob: "018f0000-0000-7000-8000-00000000000b",
  carol: "018f0000-0000-7000-8000-00000000000c",
};

/** A device that can be written to. */
export interface Party {
  readonly self: Self;
  readonly prekeys: { readonly [Key in keyof UsedPrekeys]: NonNullable<UsedPrekeys[Key]> };
  readonly bundle: Bundle & { readonly kemPrekey: NonNullable<Bundle["kemPrekey"]> };
}

export function party(made: Scheme, user: string): Party {
  const self: Self = {
    address: { user, device: DEVICES[user] as string },
    identity: crypto.signingKeys(made.random(32)),
    registration: 7,
  };
  const prekeys = {
    signed: crypto.agreementKeys(made.random(32)),
    oneTime: crypto.agreementKeys(made.random(32)),
    kem: crypto.kemKeys(made.random(64)),
  };
  const sign = (kind: "signedPrekey" | "kemPrekey", id: number, key: Uint8Array) =>
    signPrekey(made, kind, self.address, self.identity, { id, key, createdAt: 1_700_000_000_000 });
  const bundle = {
    address: self.address,
    identity: self.identity.public,
    registration: self.registration,
    signedPrekey: sign("signedPrekey", 0, prekeys.signed.public),
    kemPrekey: sign("kemPrekey", 2 ** 32 - 1, prekeys.kem.public),
    oneTimePrekey: { id: 1, key: prekeys.oneTime.public },
  };
  return { self, prekeys, bundle };
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function read(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Two ends of a session of which the first message and its answer were exchanged. */
export function talking(made: Scheme, suite: Suite = SUITE.pq): { alice: Session; bob: Session } {
  const [alice, bob] = [party(made, "alice"), party(made, "bob")];
  const first = sealMessage(made, beginSession(made, alice.self, bob.bundle, suite), text("first"));
  const prekeys = suite === SUITE.pq ? bob.prekeys : { ...bob.prekeys, kem: null };
  const accepted = acceptSession(made, bob.self, alice.self.address, first.message, prekeys, 0, false);
  const answer = sealMessage(made, accepted.session, text("answer"));
  return { alice: openMessage(made, first.session, answer.message, 0).session, bob: answer.session };
}

export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return undefined;
}

/** The same bytes but for one, in which some bits are changed. */
export function changed(bytes: Uint8Array, at: number, bits: number): Uint8Array {
  const copy = bytes.slice();
  copy[at % copy.length] = (copy[at % copy.length] as number) ^ bits;
  return copy;
}
