import { describe, expect, it } from "vitest";
import { acceptSession, beginSession, openMessage, readOpening, sealMessage } from "../../src/e2ee/session.js";
import { SUITE } from "../../src/e2ee/wire.js";
import { changed, codeOf, crypto, type Party, party, read, scheme, text } from "./e2ee-party.js";

const made = scheme(20);
const alice = party(made, "alice");
const bob = party(made, "bob");

function begin(bundle: Party["bundle"] | (Omit<Party["bundle"], "oneTimePrekey"> & { oneTimePrekey: null })) {
  return sealMessage(made, beginSession(made, alice.self, bundle), text("hello"));
}

describe("the first message of a session", () => {
  it.each([
    ["with ML-KEM-768 and a one-time prekey", SUITE.pq, true, 1_173],
    ["with ML-KEM-768, when one-time prekeys are used up", SUITE.pq, false, 1_173],
    ["of the classic suite, with a one-time prekey", SUITE.classic, true, 85],
    ["of the classic suite, when one-time prekeys are used up", SUITE.classic, false, 85],
  ])("%s, opens a session in which both talk", (_name, suite, oneTime, overhead) => {
    const bundle = { ...bob.bundle, oneTimePrekey: oneTime ? bob.bundle.oneTimePrekey : null };
    const first = sealMessage(made, beginSession(made, alice.self, bundle, suite), text("hello"));
    // One byte of flags less than the two that the layout once had.
    expect(first.message.length).toBe(147 + overhead - 1);
    const prekeys = {
      signed: bob.prekeys.signed,
      oneTime: oneTime ? bob.prekeys.oneTime : null,
      kem: suite === SUITE.pq ? bob.prekeys.kem : null,
    };
    const accepted = acceptSession(made, bob.self, alice.self.address, first.message, prekeys, 0, suite === SUITE.pq);
    expect(read(accepted.plaintext)).toBe("hello");
    const answer = sealMessage(made, accepted.session, text("yes?"));
    const heard = openMessage(made, first.session, answer.message, 0);
    expect(read(heard.plaintext)).toBe("yes?");
    const second = sealMessage(made, heard.session, text("it works"));
    expect(read(openMessage(made, answer.session, second.message, 0).plaintext)).toBe("it works");
  });

  it("is repeated in front of each message until an answer comes, and each of them opens the session", () => {
    const one = begin(bob.bundle);
    const two = sealMessage(made, one.session, text("are you there?"));
    expect(two.session.pending).not.toBeNull();
    // The first one is lost.
    const accepted = acceptSession(made, bob.self, alice.self.address, two.message, bob.prekeys, 0, true);
    expect(read(accepted.plaintext)).toBe("are you there?");
    expect(readOpening(made, one.message).isOf(accepted.session)).toBe(true);
    expect(read(openMessage(made, accepted.session, one.message, 0).plaintext)).toBe("hello");
    const answer = sealMessage(made, accepted.session, text("yes"));
    expect(openMessage(made, two.session, answer.message, 0).session.pending).toBeNull();
  });

  it("names no session that another first message began", () => {
    const accepted = acceptSession(made, bob.self, alice.self.address, begin(bob.bundle).message, bob.prekeys, 0, true);
    expect(readOpening(made, begin(bob.bundle).message).isOf(accepted.session)).toBe(false);
  });

  it("with any byte changed is refused", () => {
    const { message } = begin(bob.bundle);
    // Each byte of the header but for the KEM's ciphertext, of which one in sixteen has to do.
    for (let at = 0; at < message.length; at += at >= 84 && at < 84 + 1_072 ? 16 : 1) {
      const code = codeOf(() =>
        acceptSession(made, bob.self, alice.self.address, changed(message, at, 1), bob.prekeys, 0, true),
      );
      expect(["malformed", "undecryptable", "too_large"], `byte ${at}`).toContain(code);
    }
  });

  it("is refused of another sender, at another device, and with other prekeys", () => {
    const { message } = begin(bob.bundle);
    const carol = party(made, "carol");
    const accept = (
      self = bob.self,
      from = alice.self.address,
      prekeys: Parameters<typeof acceptSession>[4] = bob.prekeys,
    ) => codeOf(() => acceptSession(made, self, from, message, prekeys, 0, true));
    expect(accept()).toBeUndefined();
    expect(accept(bob.self, carol.self.address)).toBe("undecryptable");
    expect(accept(carol.self)).toBe("undecryptable");
    expect(accept({ ...bob.self, address: { ...bob.self.address, user: "robert" } })).toBe("undecryptable");
    expect(accept(bob.self, alice.self.address, { ...bob.prekeys, oneTime: null })).toBe("undecryptable");
    expect(accept(bob.self, alice.self.address, { ...bob.prekeys, signed: carol.prekeys.signed })).toBe(
      "undecryptable",
    );
    expect(accept(bob.self, alice.self.address, { ...bob.prekeys, kem: carol.prekeys.kem })).toBe("undecryptable");
  });

  it("of the classic suite is refused of whoever can do better", () => {
    const first = sealMessage(made, beginSession(made, alice.self, bob.bundle, SUITE.classic), text("hello"));
    const accept = (requirePq: boolean) => () =>
      acceptSession(made, bob.self, alice.self.address, first.message, { ...bob.prekeys, kem: null }, 0, requirePq);
    expect(codeOf(accept(true))).toBe("undecryptable");
    expect(codeOf(accept(false))).toBeUndefined();
  });

  it("takes prekeys of the ids 0, 1 and 2^32 - 1", () => {
    const { header } = readOpening(made, begin(bob.bundle).message);
    expect(header).toMatchObject({ signedPrekey: 0, oneTimePrekey: 1, kem: { id: 2 ** 32 - 1 }, registration: 7 });
    const used = readOpening(made, begin({ ...bob.bundle, oneTimePrekey: null }).message);
    expect(used.header.oneTimePrekey).toBeNull();
  });
});

describe("a bundle that isn't as its device signed it", () => {
  const carol = party(made, "carol");
  const { signedPrekey, kemPrekey } = bob.bundle;

  it.each([
    ["another's signed prekey", { signedPrekey: carol.bundle.signedPrekey }, "signedPrekey"],
    [
      "another key under the signature",
      { signedPrekey: { ...signedPrekey, key: carol.prekeys.signed.public } },
      "signedPrekey",
    ],
    ["another id under the signature", { signedPrekey: { ...signedPrekey, id: 5 } }, "signedPrekey"],
    ["another time under the signature", { signedPrekey: { ...signedPrekey, createdAt: 5 } }, "signedPrekey"],
    [
      "a KEM prekey's signature on another",
      { kemPrekey: { ...kemPrekey, key: carol.prekeys.kem.public } },
      "kemPrekey",
    ],
    ["a signed prekey in the KEM prekey's place", { kemPrekey: signedPrekey }, "kemPrekey"],
    ["another device's name", { address: carol.self.address }, "signedPrekey"],
    ["another's identity", { identity: carol.self.identity.public }, "signedPrekey"],
    ["no KEM prekey, where the suite needs one", { kemPrekey: null }, "kemPrekey"],
    ["a one-time prekey of low order", { oneTimePrekey: { id: 1, key: new Uint8Array(32) } }, "signedPrekey"],
    ["a one-time prekey with a second encoding", { oneTimePrekey: { id: 1, key: alias() } }, "oneTimePrekey"],
  ])("has %s, and is refused", (_name, change, field) => {
    const bundle = { ...bob.bundle, ...(change as object) } as Party["bundle"];
    let thrown: unknown;
    try {
      beginSession(made, alice.self, bundle);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "untrusted", field });
  });
});

describe("two who write first at the same time", () => {
  it("each read the other's first message, and go on in either session", () => {
    const fromAlice = sealMessage(made, beginSession(made, alice.self, bob.bundle), text("from alice"));
    const fromBob = sealMessage(made, beginSession(made, bob.self, alice.bundle), text("from bob"));
    const atBob = acceptSession(made, bob.self, alice.self.address, fromAlice.message, bob.prekeys, 0, true);
    const atAlice = acceptSession(made, alice.self, bob.self.address, fromBob.message, alice.prekeys, 0, true);
    expect([read(atBob.plaintext), read(atAlice.plaintext)]).toEqual(["from alice", "from bob"]);
    const answer = sealMessage(made, atAlice.session, text("in yours"));
    expect(codeOf(() => openMessage(made, atBob.session, answer.message, 0))).toBe("undecryptable");
    expect(read(openMessage(made, fromBob.session, answer.message, 0).plaintext)).toBe("in yours");
  });
});

/** u = p + 9, which names the point of u = 9 a second time. */
function alias(): Uint8Array {
  const point = new Uint8Array(32).fill(0xff);
  point[0] = 0xf6;
  point[31] = 0x7f;
  expect(crypto.agree(new Uint8Array(32).fill(1), point)).toBeNull();
  return point;
}
