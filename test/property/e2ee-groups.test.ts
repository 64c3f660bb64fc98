import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type GroupContext,
  KEYS_PER_SENDER,
  keyToGive,
  newSendingKey,
  openFromGroup,
  type ReceivingKey,
  receivedKey,
  type SendingKey,
  sealForGroup,
  withKey,
} from "../../src/e2ee/sender-key.js";
import { changed, codeOf, party, read, scheme, text } from "./e2ee-party.js";

const made = scheme(30);
const alice = party(made, "alice").self.address;
const context: GroupContext = { group: "018f0000-0000-7000-8000-000000000001", sender: alice };

function given(key: SendingKey): readonly ReceivingKey[] {
  return withKey([], receivedKey(keyToGive(key)));
}

function said(from: SendingKey, count: number): { key: SendingKey; messages: Uint8Array[] } {
  const messages: Uint8Array[] = [];
  let key = from;
  for (let i = 0; i < count; i++) {
    const sent = sealForGroup(made, key, context, 1, text(`${i}`));
    key = sent.key;
    messages.push(sent.message);
  }
  return { key, messages };
}

describe("messages under a sender key", () => {
  it("in any order, some lost and some repeated: what arrives is read, once", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 29 }), { minLength: 20, maxLength: 60, size: "max" }), (arrivals) => {
        const key = newSendingKey(made, 0);
        const { messages } = said(key, 30);
        let keys = given(key);
        const heard = new Set<number>();
        for (const n of arrivals) {
          const code = codeOf(() => {
            const opened = openFromGroup(made, keys, context, messages[n] as Uint8Array, 0);
            keys = opened.keys;
            expect(read(opened.plaintext)).toBe(`${n}`);
          });
          expect(code).toBe(heard.has(n) ? "replayed" : undefined);
          heard.add(n);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("are read by a member who came later from then on, and not before", () => {
    const early = said(newSendingKey(made, 0), 5);
    const late = given(early.key);
    expect(codeOf(() => openFromGroup(made, late, context, early.messages[4] as Uint8Array, 0))).toBe("replayed");
    const next = sealForGroup(made, early.key, context, 2, text("welcome"));
    const opened = openFromGroup(made, late, context, next.message, 0);
    expect(read(opened.plaintext)).toBe("welcome");
    expect(opened.epoch).toBe(2);
  });

  it("with any byte changed are refused before a key is derived, and the keys stay", () => {
    const key = newSendingKey(made, 0);
    const keys = given(key);
    const { message } = sealForGroup(made, key, context, 1, text("hello"));
    for (let at = 0; at < message.length; at++) {
      const code = codeOf(() => openFromGroup(made, keys, context, changed(message, at, 1), 0));
      expect(["malformed", "undecryptable", "not_found"], `byte ${at}`).toContain(code);
    }
    expect(read(openFromGroup(made, keys, context, message, 0).plaintext)).toBe("hello");
  });

  it("are refused in another group, and of another sender", () => {
    const key = newSendingKey(made, 0);
    const { message } = sealForGroup(made, key, context, 1, text("hello"));
    const elsewhere = { ...context, group: "018f0000-0000-7000-8000-000000000002" };
    expect(codeOf(() => openFromGroup(made, given(key), elsewhere, message, 0))).toBe("undecryptable");
    const another = { ...context, sender: party(made, "bob").self.address };
    expect(codeOf(() => openFromGroup(made, given(key), another, message, 0))).toBe("undecryptable");
  });

  it("can't be made by those who hold the key to read", () => {
    const key = newSendingKey(made, 0);
    const forger = { ...key, signing: newSendingKey(made, 0).signing };
    const { message } = sealForGroup(made, forger, context, 1, text("not alice"));
    expect(codeOf(() => openFromGroup(made, given(key), context, message, 0))).toBe("undecryptable");
  });

  it("too many passed over are refused", () => {
    const key = newSendingKey(made, 0);
    const { messages } = said(key, 12);
    const bounds = { skip: 10, kept: 5, chains: 5, age: 1_000 };
    const open = (keys: readonly ReceivingKey[], n: number) =>
      openFromGroup(made, keys, context, messages[n] as Uint8Array, 0, bounds);
    expect(codeOf(() => open(given(key), 11))).toBe("too_large");
    const { keys } = open(given(key), 10);
    expect(keys[0]?.skipped).toHaveLength(5);
    expect(codeOf(() => open(keys, 4))).toBe("replayed");
    expect(read(open(keys, 5).plaintext)).toBe("5");
  });
});

describe("keys of one sender", () => {
  it("of the last five are held, and one that is given again doesn't open what was read", () => {
    const sending = Array.from({ length: KEYS_PER_SENDER + 1 }, () => newSendingKey(made, 0));
    let keys = sending.reduce<readonly ReceivingKey[]>((held, key) => withKey(held, receivedKey(keyToGive(key))), []);
    const from = (key: SendingKey | undefined) => sealForGroup(made, key as SendingKey, context, 1, text("hi")).message;
    expect(codeOf(() => openFromGroup(made, keys, context, from(sending[0]), 0))).toBe("not_found");
    const message = from(sending[1]);
    keys = openFromGroup(made, keys, context, message, 0).keys;
    keys = withKey(keys, receivedKey(keyToGive(sending[1] as SendingKey)));
    expect(codeOf(() => openFromGroup(made, keys, context, message, 0))).toBe("replayed");
  });

  it("are refused where they aren't whole", () => {
    const whole = keyToGive(newSendingKey(made, 0));
    for (const bytes of [whole.slice(1), whole.slice(0, -1), new Uint8Array([...whole, 0])]) {
      expect(codeOf(() => receivedKey(bytes))).toBe("malformed");
    }
  });
});
