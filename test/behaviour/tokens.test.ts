import { generateKeyPairSync, webcrypto } from "node:crypto";
import { base64url, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { type Authenticate, developmentAuth, jwtAuth } from "sentseen";
import { describe, expect, it } from "vitest";
import { fakeClock } from "../../src/testing/fake-clock.js";
import { type House, openHouse } from "./support/house.js";
import { holdWheel } from "./support/wheel.js";

const SECRET = "a secret of at least thirty-two bytes";
const KEY = new TextEncoder().encode(SECRET);
const NOW = () => Math.floor(Date.now() / 1_000);

function token(claims: Record<string, unknown>, { alg = "HS256", key = KEY as webcrypto.CryptoKey | Uint8Array } = {}) {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(key);
}

/** The close code of a hello with this token; 0 where it is let in. */
async function closeCode(house: House, given: string): Promise<number> {
  const client = await house.socket();
  client.hello({ user: "alice", token: given });
  await client.until("an answer", () => client.frames.length > 0);
  if (client.frames[0]?.type === "welcome") return 0;
  expect(client.all("error")).toMatchObject([{ code: "token_refused" }]);
  return client.closed();
}

describe("a JSON Web Token with a shared secret", () => {
  const good = { sub: "alice", exp: NOW() + 600, iss: "me", aud: "chat" };

  it("lets its user in", async () => {
    const house = await openHouse({ authenticate: jwtAuth({ secret: SECRET, issuer: "me", audience: "chat" }) });
    const client = await house.socket();
    client.hello({ user: "mallory", token: await token(good) });
    expect(await client.next("welcome")).toMatchObject({ user: "alice" });
  });

  it("names the user by the claim of the host's choice", async () => {
    const house = await openHouse({ authenticate: jwtAuth({ secret: SECRET, claim: "chat_user" }) });
    const client = await house.socket();
    client.hello({ user: "", token: await token({ ...good, chat_user: "bob" }) });
    expect(await client.next("welcome")).toMatchObject({ user: "bob" });
    expect(await closeCode(house, await token(good))).toBe(4401);
  });

  it.each([
    ["that has run out", { ...good, exp: NOW() - 60 }],
    ["that never runs out", { sub: "alice", iss: "me", aud: "chat" }],
    ["for a later time", { ...good, nbf: NOW() + 600 }],
    ["of another issuer", { ...good, iss: "you" }],
    ["for another audience", { ...good, aud: "mail" }],
    ["that names nobody", { exp: good.exp, iss: "me", aud: "chat" }],
    ["whose user is no text", { ...good, sub: undefined, exp: good.exp, user: 7 }],
    ["whose user is no valid id", { ...good, sub: "al\u0000ice" }],
  ])("is refused when it is one %s", async (_, claims) => {
    const house = await openHouse({ authenticate: jwtAuth({ secret: SECRET, issuer: "me", audience: "chat" }) });
    expect(await closeCode(house, await token(claims))).toBe(4401);
  });

  it("is refused when it isn't signed with the secret, or not at all", async () => {
    const house = await openHouse({ authenticate: jwtAuth({ secret: SECRET }) });
    const [, payload] = (await token(good)).split(".");
    const unsigned = `${base64url.encode(JSON.stringify({ alg: "none" }))}.${payload}.`;
    expect(await closeCode(house, unsigned)).toBe(4401);
    expect(await closeCode(house, await token(good, { key: new Uint8Array(32) }))).toBe(4401);
    expect(await closeCode(house, await token(good, { alg: "HS512", key: new Uint8Array(64) }))).toBe(4401);
    expect(await closeCode(house, `${await token(good)}x`)).toBe(4401);
    expect(await closeCode(house, "not a token")).toBe(4401);
    expect(await closeCode(house, await token(good))).toBe(0);
  });
});

describe("a JSON Web Token with a public key", () => {
  it.each(["ES256", "RS256"])(
    "lets in who is signed by the private one (%s), and nobody by the public one",
    async (alg) => {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      const house = await openHouse({ authenticate: jwtAuth({ key: publicKey }) });
      const claims = { sub: "alice", exp: NOW() + 600 };
      expect(await closeCode(house, await token(claims, { alg, key: privateKey }))).toBe(0);
      // The public key isn't secret: taken as the secret of another algorithm it would let everybody in.
      const confused = await token(claims, { key: new TextEncoder().encode(await exportSPKI(publicKey)) });
      expect(await closeCode(house, confused)).toBe(4401);
      const { privateKey: other } = await generateKeyPair(alg);
      expect(await closeCode(house, await token(claims, { alg, key: other }))).toBe(4401);
    },
  );
});

describe("jwtAuth", () => {
  it("wants exactly one key, and one that is long enough", async () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = await webcrypto.subtle.importKey(
      "spki",
      publicKey.export({ format: "der", type: "spki" }),
      { name: "ECDSA", namedCurve: "P-256" },
      true,
      ["verify"],
    );
    expect(() => jwtAuth({})).toThrow(expect.objectContaining({ code: "config", field: "secret" }));
    expect(() => jwtAuth({ secret: SECRET, key })).toThrow(expect.objectContaining({ code: "config" }));
    expect(() => jwtAuth({ secret: "short" })).toThrow(expect.objectContaining({ code: "config", limit: 32 }));
  });
});

describe("an authentication of the host's", () => {
  it.each<[string, Authenticate]>([
    ["refuses", () => null],
    ["answers nothing", (() => undefined) as unknown as Authenticate],
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no"))],
    ["names nobody", () => ({ user: "" })],
    ["names somebody too long", () => ({ user: "x".repeat(129) })],
    ["names somebody by a number", (() => ({ user: 7 })) as unknown as Authenticate],
    ["answers no time at which the token runs out", () => ({ user: "alice", expires_at: Number.NaN })],
    ["answers a token that has run out", () => ({ user: "alice", expires_at: Date.now() - 1 })],
  ])("that %s keeps people out", async (_, authenticate) => {
    const house = await openHouse({ authenticate });
    expect(await closeCode(house, "alice")).toBe(4401);
  });

  it("sees the token and the request", async () => {
    const seen: unknown[] = [];
    const authenticate: Authenticate = (credentials) => {
      seen.push(credentials);
      return { user: "alice" };
    };
    const house = await openHouse({ authenticate });
    await house.client({ user: "alice", token: "secret" }, { headers: { cookie: "a=b" } });
    expect(seen).toMatchObject([
      { token: "secret", request: { url: "/chat", remote_address: "127.0.0.1", headers: { cookie: "a=b" } } },
    ]);
  });

  it("that lets a bad token wait doesn't hold up a good one", async () => {
    const house = await openHouse({
      authenticate: ({ token: given }) => (given === "slow" ? new Promise(() => {}) : { user: given }),
    });
    const slow = await house.socket();
    slow.hello({ user: "alice", token: "slow" });
    await house.client("alice");
    expect(slow.frames).toEqual([]);
  });
});

describe("developmentAuth", () => {
  it("believes a name", async () => {
    const house = await openHouse({ authenticate: developmentAuth() });
    const client = await house.socket();
    client.hello({ user: "", token: "dev:alice" });
    expect(await client.next("welcome")).toMatchObject({ user: "alice" });
    expect(await closeCode(house, "dev:")).toBe(4401);
  });
});

describe("a token that runs out on an open connection", () => {
  const clock = fakeClock();
  const authenticate: Authenticate = ({ token: given }) => {
    const [user = "", seconds = ""] = given.split(" ");
    return { user, expires_at: clock.now() + Number(seconds) * 1_000 };
  };
  const hello = { user: "alice", token: "alice 3600" };

  it("ends the connection within five seconds", async () => {
    const wheel = holdWheel();
    const house = await openHouse({ authenticate, now: clock.now });
    const client = await house.client(hello);
    clock.advance(3_599_000);
    await wheel.pass(5);
    await client.caughtUp();
    clock.advance(1_000);
    await wheel.pass(5);
    expect(await client.closed()).toBe(4401);
    expect(client.all("error").at(-1)).toMatchObject({ code: "token_refused" });
  });

  it("is renewed by a fresh one for the same user, without a new connection", async () => {
    const wheel = holdWheel();
    const house = await openHouse({ authenticate, now: clock.now });
    const client = await house.client(hello);
    await client.expect("ok", { type: "auth", token: "alice 7200" });
    clock.advance(7_000_000);
    await wheel.pass(5);
    await client.caughtUp();
    clock.advance(200_000);
    await wheel.pass(5);
    expect(await client.closed()).toBe(4401);
  });

  it("is renewed by one that runs out sooner, too", async () => {
    const wheel = holdWheel();
    const house = await openHouse({ authenticate, now: clock.now });
    const client = await house.client(hello);
    await wheel.pass(5);
    await client.expect("ok", { type: "auth", token: "alice 10" });
    clock.advance(10_000);
    await wheel.pass(5);
    expect(await client.closed()).toBe(4401);
  });

  it.each([
    ["somebody else's", "bob 3600"],
    ["one that has run out", "alice 0"],
  ])("isn't renewed by %s: the connection ends", async (_, fresh) => {
    const house = await openHouse({ authenticate, now: clock.now });
    const client = await house.client(hello);
    client.start({ type: "auth", token: fresh });
    expect(await client.closed()).toBe(4401);
  });
});
