import { createECDH } from "node:crypto";
import type { PushProvider } from "sentseen/ports";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { makeVapidKeys, type WebPushOptions, webPush } from "../src/index.js";
import { encrypt } from "../src/web-push/encrypt.js";
import { notification, push } from "./apns-setup.js";
import { Browser } from "./servers/browser.js";
import { makeCertificate } from "./servers/certificate.js";
import { PushService } from "./servers/push-service.js";

const certificate = await makeCertificate();
const keys = makeVapidKeys();

async function pushService(): Promise<PushService> {
  const service = new PushService(certificate, keys.publicKey);
  await service.listen();
  onTestFinished(() => service.close());
  return service;
}

async function openProvider(options: Partial<WebPushOptions>): Promise<PushProvider> {
  const provider = webPush({ keys, subject: "mailto:ops@example.com", ca: certificate.cert, ...options });
  await provider.open();
  onTestFinished(() => provider.close());
  return provider;
}

async function setUp(options: Partial<WebPushOptions> = {}) {
  const service = await pushService();
  const provider = await openProvider({ services: [service.host], ...options });
  return { service, provider, browser: new Browser(service.origin) };
}

describe("the encryption", () => {
  const bytes = (text: string) => Buffer.from(text, "base64url");
  /** RFC 8291, section 5 and appendix A. */
  const VECTOR = {
    plaintext: "When I grow up, I want to be a watermelon",
    p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
    privateKey: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    salt: "DGv6ra1nlYgDCS1FRnbzlw",
    body:
      "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_" +
      "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
  };

  test("comes to the RFC's bytes with the RFC's keys", () => {
    const recipient = { p256dh: bytes(VECTOR.p256dh), auth: bytes(VECTOR.auth) };
    const ephemeral = { privateKey: bytes(VECTOR.privateKey), salt: bytes(VECTOR.salt) };
    expect(encrypt(Buffer.from(VECTOR.plaintext), recipient, ephemeral).toString("base64url")).toBe(VECTOR.body);
  });

  test("is another one for each message, with a key and a salt of its own", () => {
    const recipient = { p256dh: bytes(VECTOR.p256dh), auth: bytes(VECTOR.auth) };
    const [one, two] = [0, 1].map(() => encrypt(Buffer.from("same"), recipient));
    expect(one?.subarray(0, 16)).not.toEqual(two?.subarray(0, 16));
    expect(one?.subarray(21, 86)).not.toEqual(two?.subarray(21, 86));
  });
});

describe("a push over Web Push", () => {
  test("can be read by the browser, and by nobody on the way", async () => {
    const { service, provider, browser } = await setUp();
    const given = notification({ collapse_key: "conversation-1", badge: 4 });
    expect(await provider.send({ token: browser.token, notification: given })).toEqual({ outcome: "sent" });
    const [message] = service.messages;
    expect(browser.read(message?.body ?? Buffer.alloc(0))).toEqual({
      id: given.id,
      alert: { title: "Ada", body: "Are you there?" },
      badge: 4,
      tag: "conversation-1",
      data: { conversation: "c1" },
    });
    expect(message?.body.includes("Ada")).toBe(false);
    expect(JSON.stringify(message?.headers)).not.toContain("conversation-1");
    expect(message?.path).toBe(browser.path);
    expect(message?.headers).toMatchObject({ ttl: "3600", urgency: "high", "content-encoding": "aes128gcm" });
    expect(message?.headers.topic).toMatch(/^[\w-]{32}$/);
  });

  test("has the same topic for the same conversation only", async () => {
    const { service, provider, browser } = await setUp();
    for (const collapse_key of ["one", "two", "one"]) await provider.send(push({ collapse_key }, browser.token));
    const [first, second, third] = service.messages.map(({ headers }) => headers.topic);
    expect(first).toBe(third);
    expect(first).not.toBe(second);
  });

  test("that is as large as it may be is taken, a larger one is refused without asking", async () => {
    const { service, provider, browser } = await setUp();
    const empty = Buffer.byteLength(JSON.stringify({ id: notification().id, alert: { title: "" }, data: {} }));
    const sized = (title: number) => push({ alert: { title: "x".repeat(title) }, data: {} }, browser.token);
    expect(await provider.send(sized(3_993 - empty))).toEqual({ outcome: "sent" });
    expect(service.messages[0]?.body.length).toBe(4_096);
    expect(await provider.send(sized(3_994 - empty))).toEqual({ outcome: "refused", reason: "payload_too_large" });
    expect(service.messages).toHaveLength(1);
  });

  test("shares connections and a token with others to the same service", async () => {
    const { service, provider } = await setUp({ concurrency: 3 });
    const browsers = Array.from({ length: 30 }, () => new Browser(service.origin));
    const results = await Promise.all(browsers.map(({ token }) => provider.send(push({}, token))));
    expect(results).toEqual(Array(30).fill({ outcome: "sent" }));
    expect(new Set(service.messages.map(({ path }) => path)).size).toBe(30);
    expect(service.connections).toBe(3);
    expect(service.tokens.size).toBe(1);
  });

  test("comes with a new token once the old one is six hours old", async () => {
    const { service, provider, browser } = await setUp();
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    await provider.send(push({}, browser.token));
    vi.setSystemTime(Date.now() + 6 * 60 * 60_000);
    expect(await provider.send(push({}, browser.token))).toEqual({ outcome: "sent" });
    expect(service.tokens.size).toBe(2);
  });
});

describe("what a push service says", () => {
  test.each([404, 410])("%i: the subscription has ended", async (status) => {
    const { service, provider, browser } = await setUp();
    service.ended.set(browser.path, status);
    expect(await provider.send(push({}, browser.token))).toEqual({ outcome: "dead", reason: `status_${status}` });
  });

  test("429: later, and the others go on", async () => {
    const { service, provider, browser } = await setUp();
    service.script.push({ status: 429, headers: { "retry-after": "12" } });
    const later = { outcome: "retry", reason: "status_429", retry_after: 12_000 };
    expect(await provider.send(push({}, browser.token))).toEqual(later);
    expect(await provider.send(push({}, new Browser(service.origin).token))).toEqual({ outcome: "sent" });
  });

  test("503: later, at a date that it names", async () => {
    const { service, provider, browser } = await setUp();
    const date = new Date(Date.now() + 90_000).toUTCString();
    service.script.push({ status: 503, headers: { "retry-after": date } });
    const result = await provider.send(push({}, browser.token));
    expect(result).toMatchObject({ outcome: "retry", reason: "status_503" });
    expect((result as { retry_after: number }).retry_after).toBeGreaterThan(80_000);
    expect((result as { retry_after: number }).retry_after).toBeLessThanOrEqual(90_000);
  });

  test("403: a subscription that was made with another key holds up nobody", async () => {
    const service = await pushService();
    const stranger = await openProvider({ services: [service.host], keys: makeVapidKeys() });
    for (let i = 0; i < 6; i++) {
      const { token } = new Browser(service.origin);
      expect(await stranger.send(push({}, token))).toEqual({ outcome: "refused", reason: "status_403" });
    }
  });

  test.each([
    ["reset", "connection_lost"],
    ["silence", "timeout"],
  ] as const)("nothing (%s): later", async (fault, reason) => {
    const { service, provider, browser } = await setUp({ deadlineMs: 300 });
    service.script.push(fault);
    expect(await provider.send(push({}, browser.token))).toEqual({ outcome: "retry", reason });
    expect(await provider.send(push({}, browser.token))).toEqual({ outcome: "sent" });
  });

  test("a service that is away is left alone, and no other", async () => {
    const [away, well] = [await pushService(), await pushService()];
    const provider = await openProvider({ services: [away.host, well.host] });
    away.script.push(...Array(5).fill({ status: 500 }));
    const { token } = new Browser(away.origin);
    for (let i = 0; i < 5; i++) await provider.send(push({}, token));
    expect(await provider.send(push({}, token))).toMatchObject({ outcome: "retry", reason: "circuit_open" });
    expect(await provider.send(push({}, new Browser(well.origin).token))).toEqual({ outcome: "sent" });
  });
});

describe("a subscription", () => {
  const browser = new Browser("https://updates.push.services.mozilla.com");
  const provider = webPush({ keys, subject: "mailto:ops@example.com" });
  const invalid = expect.objectContaining({ code: "invalid", field: "token" });

  test.each([
    "https://fcm.googleapis.com",
    "https://updates.push.services.mozilla.com",
    "https://web.push.apple.com",
    "https://wns2-by3p.notify.windows.com",
  ])("of %s can be registered", (origin) => {
    expect(() => provider.check(new Browser(origin).token)).not.toThrow();
  });

  test.each([
    "http://fcm.googleapis.com",
    "https://localhost",
    "https://169.254.169.254",
    "https://fcm.googleapis.com:8443",
    "https://fcm.googleapis.com.evil.example",
    "https://evilpush.services.mozilla.com",
    "https://user:secret@fcm.googleapis.com",
  ])("that would have this server post to %s can't", (origin) => {
    expect(() => provider.check(new Browser(origin).token)).toThrow(invalid);
  });

  test("without usable keys can't", () => {
    const given = browser.toJSON();
    const offCurve = Buffer.alloc(65, 1);
    offCurve[0] = 4;
    const other = createECDH("secp256k1").generateKeys("base64url");
    for (const p256dh of ["", "AAAA", offCurve.toString("base64url"), other]) {
      expect(() => provider.check(JSON.stringify({ ...given, keys: { ...given.keys, p256dh } }))).toThrow(invalid);
    }
    for (const auth of ["", "AAAA", 7]) {
      expect(() => provider.check(JSON.stringify({ ...given, keys: { ...given.keys, auth } }))).toThrow(invalid);
    }
    for (const token of ["", "null", "[]", "{", '{"endpoint":7}', "x".repeat(3_000)]) {
      expect(() => provider.check(token)).toThrow(invalid);
    }
  });

  test("of a service that is no longer known is refused, and nobody is asked", async () => {
    const { service, browser } = await setUp();
    const strict = await openProvider({});
    const refused = { outcome: "refused", reason: "invalid_subscription" };
    expect(await strict.send(push({}, browser.token))).toEqual(refused);
    expect(service.connections).toBe(0);
  });
});

describe("mistakes of the host", () => {
  test("keys that aren't of one pair are told when the provider is opened", async () => {
    const mixed = { ...keys, privateKey: makeVapidKeys().privateKey };
    const opened = webPush({ keys: mixed, subject: "mailto:ops@example.com" }).open();
    await expect(opened).rejects.toMatchObject({ code: "config", field: "keys" });
  });

  test("a subject that reaches nobody is told at once", () => {
    expect(() => webPush({ keys, subject: "ops" })).toThrow(
      expect.objectContaining({ code: "config", field: "subject" }),
    );
  });
});
