import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  claimAccount,
  isAccountClaimed,
  type Manifest,
  manifestHash,
  readManifest,
  signManifest,
} from "../../src/e2ee/manifest.js";
import { pad, paddedLength, unpad } from "../../src/e2ee/padding.js";
import { isTheirCode, safetyCode, safetyNumber } from "../../src/e2ee/safety-number.js";
import { schemeFor } from "../../src/e2ee/scheme.js";
import { changed, codeOf, crypto, party, scheme } from "./e2ee-party.js";

const made = scheme(50);
const account = crypto.signingKeys(made.random(32));
const phone = party(made, "alice").self;

function manifest(change: Partial<Manifest> = {}): Manifest {
  const devices = [{ device: phone.address.device, identity: phone.identity.public, addedAt: 5 }];
  return { user: "alice", version: 1, previous: new Uint8Array(32), createdAt: 5, devices, pq: true, ...change };
}

describe("a list of devices", () => {
  const first = signManifest(made, account, manifest());
  const second = signManifest(made, account, manifest({ version: 2, previous: manifestHash(made, first) }));

  it("is read as it was signed, when first seen, again, and when it follows on the one before", () => {
    expect(readManifest(made, "alice", account.public, first, null)).toEqual(manifest());
    expect(readManifest(made, "alice", account.public, first, first).version).toBe(1);
    expect(readManifest(made, "alice", account.public, second, first).version).toBe(2);
  });

  it("with any byte changed is refused: nobody but the account's holder adds a device", () => {
    for (let at = 0; at < first.length; at++) {
      const code = codeOf(() => readManifest(made, "alice", account.public, changed(first, at, 1), null));
      expect(["malformed", "untrusted"], `byte ${at}`).toContain(code);
    }
  });

  it.each([
    ["is another user's", { user: "mallory", version: 2, previous: manifestHash(made, first) }, "user"],
    ["is of the same version and says something else", { createdAt: 6 }, "version"],
    ["follows on another one", { version: 2, previous: new Uint8Array(32) }, "previous"],
    ["takes back that the devices can do ML-KEM", { version: 2, previous: manifestHash(made, first), pq: false }, "pq"],
  ])("is refused where it %s", (_name, change, field) => {
    const signed = signManifest(made, account, manifest(change));
    expect(thrown(() => readManifest(made, "alice", account.public, signed, first))).toMatchObject({
      code: "untrusted",
      field,
    });
  });

  it("is refused where an older one comes back, another account signed it, or another application", () => {
    expect(codeOf(() => readManifest(made, "alice", account.public, first, second))).toBe("untrusted");
    const another = crypto.signingKeys(made.random(32));
    expect(codeOf(() => readManifest(made, "alice", another.public, first, null))).toBe("untrusted");
    const elsewhere = schemeFor("another-app", crypto);
    expect(codeOf(() => readManifest(elsewhere, "alice", account.public, first, null))).toBe("untrusted");
  });

  it("holds a device once, and no more than may be", () => {
    const [one] = manifest().devices;
    if (!one) throw new Error("no device");
    const twice = signManifest(made, account, manifest({ devices: [one, one] }));
    expect(codeOf(() => readManifest(made, "alice", account.public, twice, null))).toBe("malformed");
    const many = signManifest(made, account, manifest({ devices: Array.from({ length: 65 }, () => one) }));
    expect(codeOf(() => readManifest(made, "alice", account.public, many, null))).toBe("malformed");
  });

  it("names a device that says so itself", () => {
    const claim = claimAccount(made, phone.address, phone.identity, account.public);
    const claimed = (key: Uint8Array, user = "alice") =>
      isAccountClaimed(made, { ...phone.address, user }, phone.identity.public, key, claim);
    expect([claimed(account.public), claimed(phone.identity.public), claimed(account.public, "bob")]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("a safety number", () => {
  const alice = { user: "alice", key: account.public };
  const bob = { user: "bob", key: crypto.signingKeys(made.random(32)).public };
  const mallory = { user: "bob", key: crypto.signingKeys(made.random(32)).public };

  it("is the same sixty digits on both sides, and others where a key or a name is another", () => {
    const number = safetyNumber(crypto, alice, bob);
    expect(number).toMatch(/^\d{60}$/);
    expect(safetyNumber(crypto, bob, alice)).toBe(number);
    expect(safetyNumber(crypto, alice, mallory)).not.toBe(number);
    expect(safetyNumber(crypto, alice, { ...bob, user: "robert" })).not.toBe(number);
  });

  it("scanned from the other's screen fits, from one's own it doesn't", () => {
    expect(isTheirCode(crypto, alice, bob, safetyCode(crypto, bob, alice))).toBe(true);
    expect(isTheirCode(crypto, alice, bob, safetyCode(crypto, alice, bob))).toBe(false);
    expect(isTheirCode(crypto, alice, bob, safetyCode(crypto, mallory, alice))).toBe(false);
  });
});

describe("padding", () => {
  it("comes off, hides the length in steps, and costs an eighth at most beyond 512 bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (plaintext) => {
        const padded = pad(plaintext);
        expect(unpad(padded)).toEqual(plaintext);
        if (padded.length <= 512) expect(padded.length % 64).toBe(0);
        else expect(padded.length).toBeLessThanOrEqual((plaintext.length + 1) * 1.125);
      }),
    );
    expect([511, 512, 1_000, 65_535].map(paddedLength)).toEqual([512, 544, 1_024, 65_536]);
  });

  it("that isn't what it should be is refused", () => {
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(64),
      new Uint8Array(64).fill(1),
      pad(new Uint8Array(0)).slice(1),
    ]) {
      expect(codeOf(() => unpad(bytes))).toBe("malformed");
    }
  });
});

describe("an application's name", () => {
  it("has 8 to 64 bytes", () => {
    for (const app of ["short", "x".repeat(65)]) expect(codeOf(() => schemeFor(app, crypto))).toBe("invalid");
  });
});

function thrown(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
