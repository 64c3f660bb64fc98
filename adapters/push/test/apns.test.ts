import { randomUUID } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { apns } from "../src/index.js";
import { apnsProvider, apnsServer, DEVELOPER, deviceToken, push, pushes } from "./apns-setup.js";

describe("a push over APNs", () => {
  test("carries its id, topic, priority, expiration and the key it collapses by", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    const token = deviceToken();
    const id = randomUUID();
    const before = Math.floor(Date.now() / 1000);
    const result = await provider.send(push({ id, collapse_key: "conversation-1", badge: 3, mutable: true }, token));
    expect(result).toEqual({ outcome: "sent" });
    const [request] = server.requests;
    expect(request?.device).toBe(token);
    expect(request?.headers).toMatchObject({
      "apns-id": id,
      "apns-topic": "com.example.chat",
      "apns-push-type": "alert",
      "apns-priority": "10",
      "apns-collapse-id": "conversation-1",
    });
    const expiration = Number(request?.headers["apns-expiration"]);
    expect(expiration - before - 3_600).toBeGreaterThanOrEqual(0);
    expect(expiration - before - 3_600).toBeLessThanOrEqual(5);
    expect(JSON.parse(request?.payload ?? "")).toEqual({
      conversation: "c1",
      aps: {
        alert: { title: "Ada", body: "Are you there?" },
        badge: 3,
        sound: "default",
        "thread-id": "conversation-1",
        "mutable-content": 1,
      },
    });
  });

  test("is a background push at low priority where it shows nothing", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    const { notification, token } = push({ badge: 0, time_to_live: 0 });
    const { alert: _, ...silent } = notification;
    expect(await provider.send({ token, notification: silent })).toEqual({ outcome: "sent" });
    const [request] = server.requests;
    expect(request?.headers).toMatchObject({
      "apns-push-type": "background",
      "apns-priority": "5",
      "apns-expiration": "0",
    });
    expect(JSON.parse(request?.payload ?? "").aps).toEqual({ "content-available": 1, badge: 0 });
  });

  test("interrupts where it is a call, and can't be mistaken for Apple's part by the app's data", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    await provider.send(push({ urgency: "call", data: { aps: "mine" } }));
    expect(JSON.parse(server.requests[0]?.payload ?? "").aps["interruption-level"]).toBe("time-sensitive");
  });

  test("that is too large is refused without asking", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    const result = await provider.send(push({ data: { text: "ä".repeat(2_048) } }));
    expect(result).toEqual({ outcome: "refused", reason: "PayloadTooLarge" });
    expect(server.requests).toHaveLength(0);
  });
});

describe("many pushes", () => {
  test("share one connection and one token, and never more streams than are allowed", async () => {
    const { server, url } = await apnsServer(50);
    const provider = await apnsProvider(url);
    const batch = pushes(1_000);
    const results = await Promise.all(batch.map((each) => provider.send(each)));
    expect(results.every(({ outcome }) => outcome === "sent")).toBe(true);
    expect(server.delivered().sort()).toEqual(batch.map(({ token }) => token).sort());
    expect(server).toMatchObject({ sessions: 1, excess: 0, mostStreams: 50 });
    expect(server.jwts.size).toBe(1);
  });

  test("beyond what may wait are answered at once", async () => {
    const { server, url } = await apnsServer();
    server.slowMs = 200;
    const provider = await apnsProvider(url, { concurrency: 5, maxWaiting: 10 });
    const results = await Promise.all(pushes(40).map((each) => provider.send(each)));
    const overloaded = results.filter((result) => "reason" in result && result.reason === "overloaded");
    expect(overloaded.length).toBeGreaterThanOrEqual(24);
    expect(results.filter(({ outcome }) => outcome === "sent")).toHaveLength(40 - overloaded.length);
    expect(server.mostStreams).toBeLessThanOrEqual(5);
  });
});

describe("what Apple says of a device", () => {
  test("ends its token where the app is gone, with the time since when", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    const gone = push();
    const expired = push();
    const bad = push();
    server.devices.set(gone.token, { unregistered_at: 1_700_000_000_000 });
    server.devices.set(expired.token, { expired_at: 1_700_000_000_001 });
    server.devices.set(bad.token, "bad");
    expect(await Promise.all([gone, expired, bad].map((each) => provider.send(each)))).toEqual([
      { outcome: "dead", reason: "Unregistered", since: 1_700_000_000_000 },
      { outcome: "dead", reason: "ExpiredToken", since: 1_700_000_000_001 },
      { outcome: "dead", reason: "BadDeviceToken" },
    ]);
  });

  test("leaves a token that may be good where the topic may be mistaken", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    const other = push();
    server.devices.set(other.token, "of another app");
    expect(await provider.send(other)).toEqual({ outcome: "refused", reason: "DeviceTokenNotForTopic" });
  });

  test("holds back only the device that was told too much", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    const busy = push();
    server.devices.set(busy.token, "told too much");
    for (let i = 0; i < 10; i++) {
      expect(await provider.send(busy)).toEqual({ outcome: "retry", reason: "TooManyRequests" });
    }
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
  });

  test("refuses what is wrong with a single notification", async () => {
    const { url } = await apnsServer();
    const provider = await apnsProvider(url);
    const long = push({ collapse_key: "x".repeat(65) });
    expect(await provider.send(long)).toEqual({ outcome: "refused", reason: "BadCollapseId" });
  });
});

describe("the provider's token", () => {
  test("is used for fifty minutes and then made anew", async () => {
    const { server, url } = await apnsServer();
    vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
    const provider = await apnsProvider(url);
    await provider.send(push());
    vi.setSystemTime(1_800_000_000_000 + 49 * 60_000);
    await provider.send(push());
    expect(server.jwts.size).toBe(1);
    vi.setSystemTime(1_800_000_000_000 + 51 * 60_000);
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
    expect(server.jwts.size).toBe(2);
    vi.useRealTimers();
  });

  test("that Apple calls expired is made anew once, and all that met it are sent", async () => {
    const { server, url } = await apnsServer();
    vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
    const provider = await apnsProvider(url);
    await provider.send(push());
    // Apple's clock is 25 minutes ahead: the token is an hour old there after 35 of its minutes.
    vi.setSystemTime(1_800_000_000_000 + 40 * 60_000);
    server.tokens.aheadMs = 25 * 60_000;
    const results = await Promise.all(pushes(20).map((each) => provider.send(each)));
    expect(results).toEqual(Array(20).fill({ outcome: "sent" }));
    expect(server.jwts.size).toBe(2);
    vi.useRealTimers();
  });

  test("isn't made again and again where the clocks differ by more than its life", async () => {
    const { server, url } = await apnsServer();
    server.tokens.aheadMs = 2 * 60 * 60_000;
    const provider = await apnsProvider(url);
    for (let i = 0; i < 5; i++) {
      expect(await provider.send(push())).toEqual({ outcome: "retry", reason: "ExpiredProviderToken" });
    }
    expect(await provider.send(push())).toMatchObject({ outcome: "retry", reason: "circuit_open" });
    expect(server.jwts.size).toBe(1);
    expect(server.requests).toHaveLength(5);
  });

  test("of another key loses no push: each may be sent later", async () => {
    const { url } = await apnsServer();
    const provider = await apnsProvider(url, { keyId: "OTHER12345" });
    expect(await provider.send(push())).toEqual({ outcome: "retry", reason: "InvalidProviderToken" });
  });
});

describe("mistakes of the host", () => {
  test("a key that is none is told when the provider is opened", async () => {
    await expect(apns({ ...DEVELOPER, key: "secret" }).open()).rejects.toMatchObject({ code: "config", field: "key" });
  });

  test.each([
    ["teamId", { teamId: "" }],
    ["environment", { environment: "test" as "production" }],
    ["concurrency", { concurrency: 1_001 }],
    ["deadlineMs", { deadlineMs: 0 }],
  ])("an unusable %s is told at once", (field, given) => {
    expect(() => apns({ ...DEVELOPER, ...given })).toThrow(expect.objectContaining({ code: "config", field }));
  });

  test("what can't be a token is told when it is registered", () => {
    const provider = apns(DEVELOPER);
    expect(() => provider.check(deviceToken())).not.toThrow();
    for (const token of ["", "abc", "../3/device/00", "g".repeat(64), "a".repeat(201)]) {
      expect(() => provider.check(token)).toThrow(expect.objectContaining({ code: "invalid", field: "token" }));
    }
  });
});
