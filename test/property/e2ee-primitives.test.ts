import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { libsodiumProvider } from "../../src/e2ee/libsodium-provider.js";
import { fingerprint, fingerprintDigits } from "../../src/e2ee/safety-number.js";
import { isChatError } from "../../src/errors.js";
import { nobleProvider } from "./noble-provider.js";

type Row = readonly (string | number)[];

const vectors = JSON.parse(readFileSync(new URL("../vectors/wycheproof.json", import.meta.url), "utf8")) as Record<
  string,
  readonly Row[]
>;
const sodium = await libsodiumProvider();

function exactly(length: number) {
  return fc.uint8Array({ minLength: length, maxLength: length });
}
const some = fc.uint8Array({ maxLength: 600 });

/** The bytes of a row, and what stands in its last place: whether it is valid. */
function read(row: Row): { parts: Uint8Array[]; valid: boolean } {
  const parts = row.slice(0, -1).map((part) => new Uint8Array(Buffer.from(String(part), "base64")));
  return { parts, valid: row.at(-1) === 1 };
}

function all(name: string, count: number, check: (parts: Uint8Array[], row: Row) => boolean): void {
  const rows = vectors[name] as readonly Row[];
  expect(rows).toHaveLength(count);
  const wrong = rows.flatMap((row, index) => {
    const { parts, valid } = read(row);
    return check(parts, row) === valid ? [] : [index];
  });
  expect(wrong).toEqual([]);
}

function same(one: Uint8Array | null | undefined, other: Uint8Array | undefined): boolean {
  return one != null && other !== undefined && Buffer.from(one).equals(other);
}

function digest(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(data).digest());
}

describe.each([
  ["libsodium", sodium],
  ["noble", nobleProvider],
])("Wycheproof's vectors on %s", (_name, crypto) => {
  type Bytes = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

  it("X25519: what is of low order or has a second encoding is refused, everything else agrees", () => {
    all("x25519", 518, (parts) => {
      const [secret, theirs, shared] = parts as Bytes;
      return same(crypto.agree(secret, theirs), shared);
    });
  });

  it("Ed25519", () => {
    all("ed25519", 151, (parts) => {
      const [key, message, signature] = parts as Bytes;
      return crypto.verify(key, message, signature);
    });
  });

  it("HMAC-SHA-256", () => {
    all("hmac_sha256", 174, (parts, row) => {
      const [key, message, tag] = parts as Bytes;
      return same(crypto.hmacSha256(key, message).slice(0, Number(row[3]) / 8), tag);
    });
  });

  it("HKDF-SHA-256, which has an end", () => {
    all("hkdf_sha256", 86, (parts, row) => {
      const [material, salt, info, output] = parts as Bytes;
      try {
        return same(crypto.hkdfSha256(salt, material, info, Number(row[4])), output);
      } catch {
        return false;
      }
    });
  });

  it("XChaCha20-Poly1305", () => {
    all("xchacha20_poly1305", 315, (parts) => {
      const [key, nonce, associated, plaintext, ciphertext] = parts as Bytes;
      if (nonce.length !== 24) return false;
      const opened = crypto.decrypt(key, nonce, ciphertext, associated);
      return same(opened, plaintext) && same(crypto.encrypt(key, nonce, plaintext, associated), ciphertext);
    });
  });

  it("ML-KEM-768", () => {
    all("ml_kem_768_keys", 100, ([seed, key]) => same(digest(crypto.kemKeys(seed as Uint8Array).public), key));
    all("ml_kem_768_encapsulate", 265, (parts) => {
      const [key, coins, ciphertext, secret] = parts as Bytes;
      const made = key.length === 1184 ? crypto.encapsulate(key, coins) : null;
      return made !== null && same(digest(made.ciphertext), ciphertext) && same(made.secret, secret);
    });
    all("ml_kem_768_decapsulate", 201, (parts) => {
      const [seed, ciphertext, secret] = parts as Bytes;
      return seed.length === 64 && ciphertext.length === 1088 && same(crypto.decapsulate(seed, ciphertext), secret);
    });
  }, 120_000);
});

describe("libsodium and noble", () => {
  const runs = { numRuns: 25 };

  it("hash, authenticate and derive alike", () => {
    fc.assert(
      fc.property(some, some, some, fc.integer({ min: 1, max: 8160 }), (a, b, c, length) => {
        expect(sodium.sha256(a)).toEqual(nobleProvider.sha256(a));
        expect(sodium.sha512(a)).toEqual(nobleProvider.sha512(a));
        expect(sodium.hmacSha256(a, b)).toEqual(nobleProvider.hmacSha256(a, b));
        expect(sodium.hkdfSha256(a, b, c, length)).toEqual(nobleProvider.hkdfSha256(a, b, c, length));
      }),
      runs,
    );
  });

  it("sign alike, and agree by signing keys and by their X25519 forms", () => {
    fc.assert(
      fc.property(exactly(32), exactly(32), some, (one, other, data) => {
        const keys = sodium.signingKeys(one);
        expect(keys).toEqual(nobleProvider.signingKeys(one));
        expect(sodium.sign(one, data)).toEqual(nobleProvider.sign(one, data));
        expect(sodium.verify(keys.public, data, nobleProvider.sign(one, data))).toBe(true);
        expect(sodium.agreementSecret(one)).toEqual(nobleProvider.agreementSecret(one));
        const form = sodium.agreementKey(keys.public);
        expect(form).toEqual(nobleProvider.agreementKey(keys.public));
        const ephemeral = sodium.agreementKeys(other);
        expect(ephemeral).toEqual(nobleProvider.agreementKeys(other));
        const agreed = sodium.agree(other, form as Uint8Array);
        expect(agreed).not.toBeNull();
        expect(agreed).toEqual(nobleProvider.agree(sodium.agreementSecret(one), ephemeral.public));
      }),
      runs,
    );
  });

  it("open what the other encapsulated, and yield noise for a ciphertext that was changed", () => {
    fc.assert(
      fc.property(exactly(64), exactly(32), fc.integer({ min: 0, max: 1087 }), (seed, coins, at) => {
        const keys = sodium.kemKeys(seed);
        const made = sodium.encapsulate(keys.public, coins);
        expect(made).toEqual(nobleProvider.encapsulate(keys.public, coins));
        const ciphertext = made?.ciphertext as Uint8Array;
        expect(nobleProvider.decapsulate(seed, ciphertext)).toEqual(made?.secret);
        ciphertext[at] = (ciphertext[at] as number) ^ 1;
        const noise = sodium.decapsulate(seed, ciphertext);
        expect(noise).toEqual(nobleProvider.decapsulate(seed, ciphertext));
        expect(noise).not.toEqual(made?.secret);
      }),
      runs,
    );
  });

  it("encrypt alike, and refuse any changed byte", () => {
    fc.assert(
      fc.property(exactly(32), exactly(24), some, some, fc.nat(), (key, nonce, plaintext, associated, at) => {
        const ciphertext = sodium.encrypt(key, nonce, plaintext, associated);
        expect(ciphertext).toEqual(nobleProvider.encrypt(key, nonce, plaintext, associated));
        expect(sodium.decrypt(key, nonce, ciphertext, associated)).toEqual(plaintext);
        const place = at % ciphertext.length;
        ciphertext[place] = (ciphertext[place] as number) ^ 0x10;
        expect(sodium.decrypt(key, nonce, ciphertext, associated)).toBeNull();
        expect(nobleProvider.decrypt(key, nonce, ciphertext, associated)).toBeNull();
      }),
      runs,
    );
  });
});

describe("the provider", () => {
  it("takes no text for bytes, no wrong length, and names the argument", () => {
    const text = "secret" as unknown as Uint8Array;
    const calls: [string, () => unknown][] = [
      ["data", () => sodium.sha256(text)],
      ["key", () => sodium.encrypt(new Uint8Array(31), new Uint8Array(24), new Uint8Array(0), new Uint8Array(0))],
      ["associated", () => sodium.encrypt(new Uint8Array(32), new Uint8Array(24), new Uint8Array(0), text)],
      ["seed", () => sodium.signingKeys(new Uint8Array(64))],
      ["theirs", () => sodium.agree(new Uint8Array(32), new Uint8Array(31))],
      ["length", () => sodium.random(65_537)],
    ];
    for (const [field, call] of calls) {
      expect(thrown(call)).toMatchObject({ code: "invalid", field });
    }
  });

  it("doesn't tell a signature of a wrong length from a wrong one", () => {
    const { public: key } = sodium.signingKeys(new Uint8Array(32));
    expect(sodium.verify(key, new Uint8Array(1), new Uint8Array(63))).toBe(false);
    expect(sodium.verify(key, new Uint8Array(1), new Uint8Array(64))).toBe(false);
  });

  it("leaves its arguments as they were, but for what it is told to wipe", () => {
    const seed = sodium.random(32);
    const before = seed.slice();
    const { secret } = sodium.signingKeys(seed);
    sodium.sign(seed, seed);
    expect(seed).toEqual(before);
    sodium.wipe(secret);
    expect(secret).toEqual(new Uint8Array(32));
    expect(seed).toEqual(before);
  });
});

describe("constants of libsignal's tests", () => {
  const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
  const utf8 = (text: string) => new TextEncoder().encode(text);

  it("a chain's message key and next key", () => {
    const chain = hex("8ab72d6f4cc5ac0d387eaf463378ddb28edd07385b1cb01250c715982e7ad48f");
    const message = sodium.hmacSha256(chain, new Uint8Array([1]));
    const keys = sodium.hkdfSha256(new Uint8Array(32), message, utf8("WhisperMessageKeys"), 64);
    expect(keys.slice(0, 32)).toEqual(hex("bf51e9d75e0e31031051f82a2491ffc084fa298b7793bd9db620056febf45217"));
    expect(keys.slice(32)).toEqual(hex("c6c77d6a73a354337a56435e34607dfe48e3ace14e77314dc6abc172e7a7030b"));
    expect(sodium.hmacSha256(chain, new Uint8Array([2]))).toEqual(
      hex("28e8f8fee54b801eef7c5cfb2f17f32c7b334485bbb70fac6ec10342a246d15d"),
    );
  });

  it("the sixty digits of two fingerprints", () => {
    const alice = hex("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868");
    const bob = hex("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b");
    const digits = (key: Uint8Array, name: string) =>
      fingerprintDigits(fingerprint(sodium, new Uint8Array(2), key, utf8(name)));
    expect([digits(alice, "+14152222222"), digits(bob, "+14153333333")].sort().join("")).toBe(
      "300354477692869396892869876765458257569162576843440918079131",
    );
  });
});

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    if (isChatError(error)) return error;
    throw error;
  }
  return undefined;
}
