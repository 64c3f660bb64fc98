import { acceptSession, beginSession, openMessage, sealMessage } from "../../src/e2ee/session.js";
import { SUITE, type Suite } from "../../src/e2ee/wire.js";
import { party, read, scheme, text } from "./e2ee-party.js";

/** A conversation with every byte that travelled. Bytes are hexadecimal. */
export interface Transcript {
  readonly app: string;
  /** Of the counted random bytes that everything is made of: SHA-256 of "seed/0", "seed/1" and so on. */
  readonly seed: number;
  readonly suite: Suite;
  readonly messages: readonly { readonly from: string; readonly plaintext: string; readonly bytes: string }[];
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Alice writes to bob, who answers twice; she answers the second, which comes first. */
export function transcript(seed: number, suite: Suite): Transcript {
  const made = scheme(seed);
  const [alice, bob] = [party(made, "alice"), party(made, "bob")];
  const first = sealMessage(made, beginSession(made, alice.self, bob.bundle, suite), text("hello"));
  const prekeys = suite === SUITE.pq ? bob.prekeys : { ...bob.prekeys, kem: null };
  const accepted = acceptSession(made, bob.self, alice.self.address, first.message, prekeys, 0, suite === SUITE.pq);
  const one = sealMessage(made, accepted.session, text("one"));
  const two = sealMessage(made, one.session, text("two"));
  const heardTwo = openMessage(made, first.session, two.message, 0);
  const reply = sealMessage(made, heardTwo.session, text("got two"));
  const heardOne = openMessage(made, reply.session, one.message, 0);
  const last = openMessage(made, two.session, reply.message, 0);
  const said = [accepted.plaintext, heardOne.plaintext, heardTwo.plaintext, last.plaintext].map(read);
  const bytes = [first.message, one.message, two.message, reply.message].map(hex);
  const from = ["alice", "bob", "bob", "alice"];
  return {
    app: "sentseen-tests",
    seed,
    suite,
    messages: from.map((name, at) => ({ from: name, plaintext: said[at] as string, bytes: bytes[at] as string })),
  };
}

/** As they are in test/vectors/e2ee-sessions.json. */
export function transcripts(): Transcript[] {
  return [transcript(100, SUITE.classic), transcript(101, SUITE.pq)];
}
