import { randomUUID } from "node:crypto";
import { Agent } from "node:https";
import { Notification as Apns2Notification, ApnsClient, Priority } from "apns2";
import { Pool } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import webPushOracle from "web-push";
import { makeVapidKeys, webPush } from "../src/index.js";
import { apnsProvider, apnsServer, CA, DEVELOPER, deviceToken, notification } from "./apns-setup.js";
import { Browser } from "./servers/browser.js";
import { makeCertificate } from "./servers/certificate.js";
import { PushService } from "./servers/push-service.js";

// Independent implementations speak to the same servers: what they send, these take, and ours is the same.

describe("apns2", () => {
  test("sends the same to the same server", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    const token = deviceToken();
    const given = notification({ collapse_key: "c1", badge: 7, mutable: true });
    await provider.send({ token, notification: given });

    const { key: signingKey, keyId, teamId: team, topic: defaultTopic } = DEVELOPER;
    const client = new ApnsClient({ signingKey, keyId, team, defaultTopic });
    // It knows Apple's port only, so its pool is replaced by one like it.
    Object.assign(client, { client: new Pool(url, { allowH2: true, connect: { ca: CA } }) });
    onTestFinished(() => client.close());
    // Of the same team, and so a second token within twenty minutes, which Apple refuses.
    server.tokens.forget();
    await client.send(
      new Apns2Notification(token, {
        alert: { title: "Ada", body: "Are you there?" },
        badge: 7,
        sound: "default",
        threadId: "c1",
        mutableContent: true,
        collapseId: "c1",
        priority: Priority.immediate,
        expiration: new Date(Date.now() + 3_600_000),
        data: { conversation: "c1" },
      }),
    );

    const [ours, theirs] = server.requests;
    expect(ours?.status).toBe(200);
    expect(theirs?.status).toBe(200);
    expect(theirs?.device).toBe(ours?.device);
    expect(JSON.parse(theirs?.payload ?? "")).toEqual(JSON.parse(ours?.payload ?? ""));
    for (const name of ["apns-topic", "apns-push-type", "apns-collapse-id"]) {
      expect(theirs?.headers[name]).toBe(ours?.headers[name]);
    }
    // Immediate is what Apple takes where nothing is said, and apns2 says nothing.
    expect(theirs?.headers["apns-priority"] ?? "10").toBe(ours?.headers["apns-priority"]);
    const lives = [ours, theirs].map((request) => Number(request?.headers["apns-expiration"]));
    expect(Math.abs((lives[0] ?? 0) - (lives[1] ?? 0))).toBeLessThanOrEqual(5);
  });
});

describe("web-push", () => {
  test("sends the same to the same service, and each reads what the other wrote", async () => {
    const certificate = await makeCertificate();
    const keys = makeVapidKeys();
    const service = new PushService(certificate, keys.publicKey);
    await service.listen();
    onTestFinished(() => service.close());
    const browser = new Browser(service.origin);
    const subject = "mailto:ops@example.com";
    const provider = webPush({ keys, subject, ca: certificate.cert, services: [service.host] });
    await provider.open();
    onTestFinished(() => provider.close());
    const given = notification({ id: randomUUID(), collapse_key: "c1" });
    expect(await provider.send({ token: browser.token, notification: given })).toEqual({ outcome: "sent" });

    const [ours] = service.messages;
    const content = JSON.stringify(browser.read(ours?.body ?? Buffer.alloc(0)));
    const agent = new Agent({ ca: certificate.cert });
    onTestFinished(() => agent.destroy());
    await webPushOracle.sendNotification(browser.toJSON(), content, {
      vapidDetails: { subject, ...keys },
      TTL: 3_600,
      urgency: "high",
      topic: String(ours?.headers.topic),
      agent,
    });

    const [, theirs] = service.messages;
    expect(browser.read(theirs?.body ?? Buffer.alloc(0))).toEqual(JSON.parse(content));
    expect(theirs?.path).toBe(ours?.path);
    expect(theirs?.body.length).toBe(ours?.body.length);
    for (const name of ["ttl", "urgency", "topic", "content-encoding", "content-type", "content-length"]) {
      expect(theirs?.headers[name]).toBe(ours?.headers[name]);
    }
  });

  test("takes our keys for its own", () => {
    const { publicKey, privateKey } = makeVapidKeys();
    expect(() => webPushOracle.setVapidDetails("mailto:ops@example.com", publicKey, privateKey)).not.toThrow();
  });
});
