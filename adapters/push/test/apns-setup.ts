import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import type { Notification, Push, PushProvider } from "sentseen/ports";
import { onTestFinished } from "vitest";
import { type ApnsOptions, apns } from "../src/index.js";
import { ApnsServer } from "./servers/apns-server.js";
import { makeCertificate } from "./servers/certificate.js";

const certificate = await makeCertificate();
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** What a developer has from Apple. */
export const DEVELOPER = {
  key: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  keyId: "ABCDE12345",
  teamId: "TEAM123456",
  topic: "com.example.chat",
};
export const CA = certificate.cert;

/** A server that is closed after the test. */
export async function apnsServer(streams?: number, port?: number): Promise<{ server: ApnsServer; url: string }> {
  const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
  const { keyId, teamId, topic } = DEVELOPER;
  const options = { certificate, publicKey, keyId, teamId, topic };
  const server = new ApnsServer(streams === undefined ? options : { ...options, streams });
  onTestFinished(() => server.close());
  return { server, url: await server.listen(port) };
}

/** An open provider that is closed after the test. */
export async function apnsProvider(url: string, options: Partial<ApnsOptions> = {}): Promise<PushProvider> {
  const provider = apns({ ...DEVELOPER, url, ca: CA, ...options });
  await provider.open();
  onTestFinished(() => provider.close());
  return provider;
}

export function deviceToken(): string {
  return randomBytes(32).toString("hex");
}

export function notification(given: Partial<Notification> = {}): Notification {
  return {
    id: randomUUID(),
    alert: { title: "Ada", body: "Are you there?" },
    data: { conversation: "c1" },
    time_to_live: 3_600,
    urgency: "high",
    ...given,
  };
}

export function push(given: Partial<Notification> = {}, token = deviceToken()): Push {
  return { token, notification: notification(given) };
}

export function pushes(count: number): Push[] {
  return Array.from({ length: count }, () => push());
}
