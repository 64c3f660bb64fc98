import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { PushProvider } from "sentseen/ports";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type FcmOptions, fcm } from "../src/index.js";
import { notification, push } from "./apns-setup.js";
import { makeCertificate } from "./servers/certificate.js";
import { FcmServer, fcmError } from "./servers/fcm-server.js";

const certificate = await makeCertificate();
const pair = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const privateKey = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const EMAIL = "push@chat-1.iam.gserviceaccount.com";

function account(server: FcmServer) {
  return { project_id: "chat-1", client_email: EMAIL, private_key: privateKey, token_uri: `${server.url}/token` };
}

async function setUp(options: Partial<FcmOptions> = {}): Promise<{ server: FcmServer; provider: PushProvider }> {
  const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
  const server = new FcmServer({ certificate, publicKey, email: EMAIL, project: "chat-1" });
  await server.listen();
  onTestFinished(() => server.close());
  const provider = fcm({ serviceAccount: account(server), url: server.url, ca: certificate.cert, ...options });
  await provider.open();
  onTestFinished(() => provider.close());
  return { server, provider };
}

function fcmToken(): string {
  return `${randomBytes(16).toString("base64url")}:APA91b${randomBytes(96).toString("base64url")}`;
}

describe("a push over FCM", () => {
  test("is shown by Android, replaces the one before it, and carries the app's data", async () => {
    const { server, provider } = await setUp();
    const { token, notification: given } = push({ collapse_key: "c1", badge: 2 }, fcmToken());
    expect(await provider.send({ token, notification: given })).toEqual({ outcome: "sent" });
    expect(server.messages).toEqual([
      {
        token,
        notification: { title: "Ada", body: "Are you there?" },
        data: { conversation: "c1", push_id: given.id },
        android: {
          priority: "HIGH",
          ttl: "3600s",
          collapse_key: "c1",
          notification: { tag: "c1", notification_count: 2 },
        },
      },
    ]);
  });

  test("that the app changes before it is shown is left to the app", async () => {
    const { server, provider } = await setUp();
    await provider.send(push({ mutable: true, badge: 2 }, fcmToken()));
    expect(server.messages[0]?.notification).toBeUndefined();
    expect(server.messages[0]?.data).toMatchObject({ title: "Ada", body: "Are you there?", badge: "2" });
  });

  test("that shows nothing doesn't wake the device", async () => {
    const { server, provider } = await setUp();
    const { alert: _, ...silent } = notification({ collapse_key: "c1" });
    await provider.send({ token: fcmToken(), notification: silent });
    expect(server.messages[0]?.notification).toBeUndefined();
    expect(server.messages[0]?.android).toEqual({ priority: "NORMAL", ttl: "3600s", collapse_key: "c1" });
  });

  test("is only looked at in a dry run", async () => {
    const { server, provider } = await setUp({ dryRun: true });
    expect(await provider.send(push({}, fcmToken()))).toEqual({ outcome: "sent" });
    expect(server).toMatchObject({ validated: 1, messages: [] });
  });

  test("that is too large is refused without asking", async () => {
    const { server, provider } = await setUp();
    expect(await provider.send(push({ data: { text: "x".repeat(4_096) } }, fcmToken()))).toEqual({
      outcome: "refused",
      reason: "payload_too_large",
    });
    expect(server.grants).toBe(0);
  });
});

describe("many pushes", () => {
  test("share one connection and one access token, a bounded number at once", async () => {
    const { server, provider } = await setUp({ concurrency: 10 });
    server.slowMs = 2;
    const results = await Promise.all(Array.from({ length: 200 }, () => provider.send(push({}, fcmToken()))));
    expect(results).toEqual(Array(200).fill({ outcome: "sent" }));
    expect(new Set(server.messages.map(({ token }) => token)).size).toBe(200);
    expect(server).toMatchObject({ sessions: 1, grants: 1, mostAtOnce: 10 });
  });
});

describe("the access token", () => {
  test("is asked for anew shortly before it expires", async () => {
    const { server, provider } = await setUp();
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    await provider.send(push({}, fcmToken()));
    vi.setSystemTime(Date.now() + 54 * 60_000);
    await provider.send(push({}, fcmToken()));
    expect(server.grants).toBe(1);
    vi.setSystemTime(Date.now() + 2 * 60_000);
    await provider.send(push({}, fcmToken()));
    expect(server.grants).toBe(2);
  });

  test("that was revoked is replaced, and the push is sent", async () => {
    const { server, provider } = await setUp();
    await provider.send(push({}, fcmToken()));
    server.revoke();
    expect(await provider.send(push({}, fcmToken()))).toEqual({ outcome: "sent" });
    expect(server.grants).toBe(2);
  });

  test("that is refused loses no push", async () => {
    const { server, provider } = await setUp();
    server.grant = { status: 400, body: { error: "invalid_grant" } };
    const waiting = { outcome: "retry", reason: "access_token_invalid_grant" };
    expect(await provider.send(push({}, fcmToken()))).toEqual(waiting);
    server.grant = null;
    expect(await provider.send(push({}, fcmToken()))).toEqual({ outcome: "sent" });
  });
});

describe("what FCM says of a push", () => {
  const PAUSED = { ...fcmError(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), headers: { "retry-after": "7" } };
  test.each([
    ["is uninstalled", fcmError(404, "NOT_FOUND", "UNREGISTERED"), { outcome: "dead", reason: "UNREGISTERED" }],
    [
      "is of another project",
      fcmError(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
      { outcome: "refused", reason: "SENDER_ID_MISMATCH" },
    ],
    [
      "is at its quota",
      fcmError(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
      { outcome: "retry", reason: "QUOTA_EXCEEDED", retry_after: 60_000 },
    ],
    ["says when to come back", PAUSED, { outcome: "retry", reason: "QUOTA_EXCEEDED", retry_after: 7_000 }],
    [
      "is refused for its payload",
      fcmError(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
      { outcome: "refused", reason: "INVALID_ARGUMENT" },
    ],
    [
      "needs keys that the project doesn't have",
      fcmError(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
      { outcome: "refused", reason: "THIRD_PARTY_AUTH_ERROR" },
    ],
  ])("that %s concerns that one only", async (_what, answer, expected) => {
    const { server, provider } = await setUp();
    const token = fcmToken();
    server.devices.set(token, answer);
    for (let i = 0; i < 6; i++) expect(await provider.send(push({}, token))).toEqual(expected);
    expect(await provider.send(push({}, fcmToken()))).toEqual({ outcome: "sent" });
  });

  test("tells a token that is none from a payload that is wrong", async () => {
    const { provider } = await setUp();
    const short = await provider.send(push({}, "x".repeat(40)));
    expect(short).toEqual({ outcome: "dead", reason: "INVALID_ARGUMENT" });
    const reserved = await provider.send(push({ data: { from: "me" } }, fcmToken()));
    expect(reserved).toEqual({ outcome: "refused", reason: "INVALID_ARGUMENT" });
  });

  test("that it is unavailable holds all back for so long", async () => {
    const { server, provider } = await setUp();
    server.script.push({ ...fcmError(503, "UNAVAILABLE", "UNAVAILABLE"), headers: { "retry-after": "20" } });
    expect(await provider.send(push({}, fcmToken()))).toMatchObject({ outcome: "retry", reason: "UNAVAILABLE" });
    expect(await provider.send(push({}, fcmToken()))).toMatchObject({ outcome: "retry", reason: "circuit_open" });
    expect(server.messages).toEqual([]);
  });
});

describe("mistakes of the host", () => {
  test("an account that is none is told at once, a key that is none when the provider is opened", async () => {
    const { server } = await setUp();
    const good = account(server);
    const config = (field: string) => expect.objectContaining({ code: "config", field });
    expect(() => fcm({ serviceAccount: { ...good, project_id: "" } })).toThrow(config("serviceAccount.project_id"));
    await expect(fcm({ serviceAccount: { ...good, private_key: "x" } }).open()).rejects.toEqual(
      config("serviceAccount"),
    );
  });

  test("what can't be a token is told when it is registered", async () => {
    const { provider } = await setUp();
    expect(() => provider.check(fcmToken())).not.toThrow();
    expect(() => provider.check("a token")).toThrow(expect.objectContaining({ code: "invalid", field: "token" }));
  });
});
