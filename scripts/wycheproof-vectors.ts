// Takes from Wycheproof (https://github.com/c2sp/wycheproof, Apache-2.0) the numbers of the primitives that encryption
// uses, and writes them to test/vectors/wycheproof.json in a form of our own: bytes as base64, long results of ML-KEM
// as their SHA-256.
//
//   go mod download -json github.com/c2sp/wycheproof@v0.0.0-20260902155932-3fa63dd0344a   # prints "Dir"
//   node --import tsx scripts/wycheproof-vectors.ts DIR
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Test = Record<string, string> & { readonly result: string; readonly flags: string };

interface Source {
  readonly testGroups: readonly {
    readonly publicKey?: { readonly pk: string };
    readonly tagSize?: number;
    readonly tests: readonly Test[];
  }[];
}

const [directory] = process.argv.slice(2);
if (!directory) throw new Error("say where Wycheproof's module lies");

/**
 * What Wycheproof leaves open, of X25519: points of low order and second encodings are refused here, and points of the
 * twist agree as RFC 7748 says.
 */
const REFUSED = ["LowOrderPublic", "ZeroSharedSecret", "NonCanonicalPublic"];

/** Each test with what its group says of it, made into a row; the last of a row is whether it has to be right. */
function rows(file: string, row: (test: Test, group: Source["testGroups"][number]) => unknown[]) {
  const source = JSON.parse(
    readFileSync(join(directory as string, "testvectors_v1", `${file}.json`), "utf8"),
  ) as Source;
  return source.testGroups.flatMap((group) => group.tests.map((test) => [...row(test, group), isRight(test) ? 1 : 0]));
}

function isRight({ result, flags }: Test): boolean {
  return result === "valid" || (result === "acceptable" && !REFUSED.some((flag) => flags.includes(flag)));
}

function base64(hex: string | undefined): string {
  return Buffer.from(hex ?? "", "hex").toString("base64");
}

function digest(hex: string | undefined): string {
  return createHash("sha256")
    .update(Buffer.from(hex ?? "", "hex"))
    .digest("base64");
}

const vectors = {
  source: "github.com/c2sp/wycheproof v0.0.0-20260902155932-3fa63dd0344a, Apache-2.0",
  made_by: "scripts/wycheproof-vectors.ts",
  x25519: rows("x25519_test", (t) => [base64(t.private), base64(t.public), base64(t.shared)]),
  ed25519: rows("ed25519_test", (t, { publicKey }) => [base64(publicKey?.pk), base64(t.msg), base64(t.sig)]),
  hmac_sha256: rows("hmac_sha256_test", (t, { tagSize }) => [base64(t.key), base64(t.msg), base64(t.tag), tagSize]),
  hkdf_sha256: rows("hkdf_sha256_test", (t) => [base64(t.ikm), base64(t.salt), base64(t.info), base64(t.okm), t.size]),
  xchacha20_poly1305: rows("xchacha20_poly1305_test", (t) =>
    [t.key, t.iv, t.aad, t.msg, `${t.ct}${t.tag}`].map((part) => base64(part)),
  ),
  ml_kem_768_keys: rows("mlkem_768_keygen_seed_test", (t) => [base64(t.seed), digest(t.ek)]),
  ml_kem_768_encapsulate: rows("mlkem_768_encaps_test", (t) => [base64(t.ek), base64(t.m), digest(t.c), base64(t.K)]),
  ml_kem_768_decapsulate: rows("mlkem_768_test", (t) => [base64(t.seed), base64(t.c), base64(t.K)]),
};

writeFileSync(
  "test/vectors/wycheproof.json",
  `{\n${Object.entries(vectors)
    .map(([name, value]) =>
      typeof value === "string"
        ? `${JSON.stringify(name)}: ${JSON.stringify(value)}`
        : `${JSON.stringify(name)}: [\n${value.map((row) => JSON.stringify(row)).join(",\n")}\n]`,
    )
    .join(",\n")}\n}\n`,
);
