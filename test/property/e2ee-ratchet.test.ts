import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BOUNDS, type Ratchet } from "../../src/e2ee/ratchet.js";
import type { Scheme } from "../../src/e2ee/scheme.js";
import { openMessage, type Session, sealMessage } from "../../src/e2ee/session.js";
import { SUITE } from "../../src/e2ee/wire.js";
import { changed, codeOf, read, scheme, talking, text } from "./e2ee-party.js";

type Side = "alice" | "bob";

interface Flying {
  readonly to: Side;
  readonly text: string;
  readonly bytes: Uint8Array;
}

const other = (side: Side): Side => (side === "alice" ? "bob" : "alice");

/** What happens next: somebody sends, or something that flies arrives, is lost, or arrives and keeps flying. */
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant("send" as const), side: fc.constantFrom<Side>("alice", "bob") }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom("arrive" as const, "repeat" as const, "lose" as const),
      which: fc.nat(),
    }),
  },
);

/** Two ends and what flies between them, which is checked as it arrives. */
class Wire {
  /** What was read, by either side. */
  readonly heard: string[] = [];
  private readonly made: Scheme;
  private readonly ends: Record<Side, Session>;
  /** The peer's ratchet keys that each side has received under, oldest first. */
  private readonly keys: Record<Side, string[]>;
  private readonly flying: Flying[] = [];
  private count = 0;

  constructor(seed: number) {
    this.made = scheme(seed);
    this.ends = talking(this.made);
    this.keys = { alice: keysOf(this.ends.alice), bob: keysOf(this.ends.bob) };
  }

  send(side: Side): void {
    const said = `${side} ${this.count++}`;
    const sent = sealMessage(this.made, this.ends[side], text(said));
    this.ends[side] = sent.session;
    this.flying.push({ to: other(side), text: said, bytes: sent.message });
  }

  pass(does: "arrive" | "repeat" | "lose", which: number): void {
    const index = which % Math.max(1, this.flying.length);
    const one = this.flying[index];
    if (!one) return;
    if (does !== "repeat") this.flying.splice(index, 1);
    if (does !== "lose") this.arrive(one);
  }

  /** Refused is what was read before, or lies more ratchet keys back than are kept, and nothing else. */
  private arrive({ to, text: said, bytes }: Flying): void {
    const before = this.ends[to];
    const wasHeard = this.heard.includes(said);
    const code = codeOf(() => {
      const opened = openMessage(this.made, before, bytes, 0);
      this.ends[to] = opened.session;
      this.heard.push(read(opened.plaintext));
    });
    const keys = this.keys[to];
    const key = Buffer.from(bytes.slice(3, 35)).toString("hex");
    if (!keys.includes(key)) keys.push(key);
    const behind = keys.length - 1 - keys.indexOf(key);
    expect(code === undefined, code).toBe(!wasHeard && behind < BOUNDS.chains);
    if (code === undefined) expect(this.heard.at(-1)).toBe(said);
    else expect(this.ends[to]).toBe(before);
  }
}

describe("messages of a session", () => {
  it("in any order, some lost and some repeated: what arrives is read, once", () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(step, { minLength: 20, maxLength: 80, size: "max" }), (seed, steps) => {
        const wire = new Wire(seed);
        for (const happens of steps) {
          if (happens.does === "send") wire.send(happens.side);
          else wire.pass(happens.does, happens.which);
        }
        expect(new Set(wire.heard).size).toBe(wire.heard.length);
      }),
      { numRuns: 40 },
    );
  });

  it("a burst that arrives the wrong way round is read whole, across changes of keys", () => {
    const made = scheme(1);
    let { alice, bob } = talking(made);
    const sent: { bytes: Uint8Array; text: string }[] = [];
    for (let round = 0; round < BOUNDS.chains; round++) {
      for (let i = 0; i < 20; i++) {
        const one = sealMessage(made, alice, text(`${round}/${i}`));
        alice = one.session;
        sent.push({ bytes: one.message, text: `${round}/${i}` });
      }
      // Only the last of each round arrives in time, and is answered.
      const last = sent[sent.length - 1] as (typeof sent)[number];
      bob = openMessage(made, bob, last.bytes, 0).session;
      const answer = sealMessage(made, bob, text("go on"));
      bob = answer.session;
      alice = openMessage(made, alice, answer.message, 0).session;
    }
    const late = sent.filter((_, index) => index % 20 !== 19).reverse();
    for (const one of late) {
      const opened = openMessage(made, bob, one.bytes, 0);
      bob = opened.session;
      expect(read(opened.plaintext)).toBe(one.text);
    }
    expect(skippedKeys(bob.ratchet)).toBe(0);
    for (const one of late) expect(codeOf(() => openMessage(made, bob, one.bytes, 0))).toBe("replayed");
  });

  it("with any byte changed are refused, and leave the session as it was", () => {
    const made = scheme(2);
    const { alice, bob } = talking(made);
    const { message } = sealMessage(made, alice, text("hello"));
    const before = structuredClone(bob);
    for (let at = 0; at < message.length; at++) {
      for (const bits of [0x01, 0x80]) {
        const code = codeOf(() => openMessage(made, bob, changed(message, at, bits), 0));
        expect(["malformed", "undecryptable", "too_large"]).toContain(code);
      }
    }
    for (let length = 0; length < message.length; length++) {
      expect(codeOf(() => openMessage(made, bob, message.slice(0, length), 0))).toMatch(/^(malformed|undecryptable)$/);
    }
    expect(bob).toEqual(before);
    expect(read(openMessage(made, bob, message, 0).plaintext)).toBe("hello");
  });

  it("of others, or sent back, are refused", () => {
    const made = scheme(3);
    const { alice, bob } = talking(made);
    const one = sealMessage(made, alice, text("hello"));
    expect(codeOf(() => openMessage(made, one.session, one.message, 0))).toBe("undecryptable");
    const elsewhere = talking(scheme(4));
    expect(codeOf(() => openMessage(made, elsewhere.bob, one.message, 0))).toBe("undecryptable");
    const posing = { ...bob, them: { ...bob.them, user: "mallory" } };
    expect(codeOf(() => openMessage(made, posing, one.message, 0))).toBe("undecryptable");
  });

  it("are encrypted under a nonce and a key of their own, even where a state was set back", () => {
    const made = scheme(5);
    const { alice } = talking(made);
    const one = sealMessage(made, alice, text("hello"));
    const again = sealMessage(made, alice, text("hello"));
    expect(again.message).not.toEqual(one.message);
    expect(again.message.slice(43, 67)).not.toEqual(one.message.slice(43, 67));
  });

  it("tell their length in steps only", () => {
    const made = scheme(6);
    const { alice } = talking(made, SUITE.classic);
    const lengths = [0, 1, 63, 64, 500].map(
      (length) => sealMessage(made, alice, new Uint8Array(length)).message.length,
    );
    expect(lengths).toEqual([147, 147, 147, 211, 595]);
  });
});

describe("bounds on messages that are passed over", () => {
  const bounds = { skip: 10, kept: 12, chains: 3, age: 1_000 };

  it("a gap of as many as may be is taken, a larger one is refused before any key is derived", () => {
    let derived = 0;
    const base = scheme(7);
    const made = {
      ...base,
      crypto: {
        ...base.crypto,
        hmacSha256: (key: Uint8Array, data: Uint8Array) => {
          derived++;
          return base.crypto.hmacSha256(key, data);
        },
      },
    };
    const { alice, bob } = talking(made);
    const sent = burst(made, alice, 12);
    derived = 0;
    expect(codeOf(() => openMessage(made, bob, sent.messages[11] as Uint8Array, 0, bounds))).toBe("too_large");
    expect(derived).toBe(0);
    expect(read(openMessage(made, bob, sent.messages[10] as Uint8Array, 0, bounds).plaintext)).toBe("10");
  });

  it("the oldest keys go where too many are kept, or for too long", () => {
    const made = scheme(8);
    let { alice, bob } = talking(made);
    const sent = burst(made, alice, 22);
    alice = sent.session;
    bob = openMessage(made, bob, sent.messages[10] as Uint8Array, 0, bounds).session;
    bob = openMessage(made, bob, sent.messages[21] as Uint8Array, 5, bounds).session;
    expect(skippedKeys(bob.ratchet)).toBe(12);
    expect(codeOf(() => openMessage(made, bob, sent.messages[0] as Uint8Array, 5, bounds))).toBe("replayed");
    expect(read(openMessage(made, bob, sent.messages[9] as Uint8Array, 5, bounds).plaintext)).toBe("9");
    const later = sealMessage(made, alice, text("later"));
    bob = openMessage(made, bob, later.message, 1_003, bounds).session;
    expect(codeOf(() => openMessage(made, bob, sent.messages[9] as Uint8Array, 1_003, bounds))).toBe("replayed");
    expect(read(openMessage(made, bob, sent.messages[12] as Uint8Array, 1_003, bounds).plaintext)).toBe("12");
  });

  it("the bound on kept keys is one for all of the peer's ratchet keys", () => {
    const made = scheme(11);
    let { alice, bob } = talking(made);
    const late: Uint8Array[] = [];
    for (let round = 0; round < 2; round++) {
      const sent = burst(made, alice, 9);
      late.push(sent.messages[0] as Uint8Array);
      bob = openMessage(made, bob, sent.messages[8] as Uint8Array, 0, bounds).session;
      const answer = sealMessage(made, bob, text("go on"));
      bob = answer.session;
      alice = openMessage(made, sent.session, answer.message, 0).session;
    }
    expect(skippedKeys(bob.ratchet)).toBe(12);
    expect(codeOf(() => openMessage(made, bob, late[0] as Uint8Array, 0, bounds))).toBe("replayed");
    expect(read(openMessage(made, bob, late[1] as Uint8Array, 0, bounds).plaintext)).toBe("0");
  });
});

describe("a stolen state", () => {
  it("opens nothing that was read before [forward secrecy]", () => {
    const made = scheme(9);
    let { alice, bob } = talking(made);
    const recorded: Uint8Array[] = [];
    for (let i = 0; i < 30; i++) {
      const [from, to] = i % 7 < 4 ? [alice, bob] : [bob, alice];
      const sent = sealMessage(made, from, text(`${i}`));
      const opened = openMessage(made, to, sent.message, 0);
      [alice, bob] = i % 7 < 4 ? [sent.session, opened.session] : [opened.session, sent.session];
      recorded.push(sent.message);
    }
    for (const message of recorded) {
      expect(codeOf(() => openMessage(made, bob, message, 0))).toMatch(/^(replayed|undecryptable)$/);
      expect(codeOf(() => openMessage(made, alice, message, 0))).toMatch(/^(replayed|undecryptable)$/);
    }
  });

  it("opens nothing once a round trip has passed [healing], and what comes until then", () => {
    const made = scheme(10);
    let { alice, bob } = talking(made);
    const stolen = structuredClone(bob);
    const under = sealMessage(made, alice, text("still open"));
    expect(read(openMessage(made, stolen, under.message, 0).plaintext)).toBe("still open");
    alice = under.session;
    bob = openMessage(made, bob, under.message, 0).session;
    const answer = sealMessage(made, bob, text("with a new key"));
    alice = openMessage(made, alice, answer.message, 0).session;
    const healed = sealMessage(made, alice, text("closed"));
    const follows = openMessage(made, stolen, under.message, 0).session;
    for (const thief of [stolen, follows]) {
      expect(codeOf(() => openMessage(made, thief, healed.message, 0))).toBe("undecryptable");
    }
    expect(read(openMessage(made, answer.session, healed.message, 0).plaintext)).toBe("closed");
  });
});

function burst(made: ReturnType<typeof scheme>, from: Session, count: number) {
  const messages: Uint8Array[] = [];
  let session = from;
  for (let i = 0; i < count; i++) {
    const sent = sealMessage(made, session, text(`${i}`));
    session = sent.session;
    messages.push(sent.message);
  }
  return { session, messages };
}

/** The peer's ratchet keys that a session has received under, oldest first. */
function keysOf({ ratchet }: Session): string[] {
  return ratchet.received.map(({ dh }) => Buffer.from(dh).toString("hex")).reverse();
}

function skippedKeys(ratchet: Ratchet): number {
  return ratchet.received.reduce((count, { skipped }) => count + skipped.length, 0);
}
