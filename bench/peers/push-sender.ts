import { randomUUID } from "node:crypto";
import { apns } from "@sentseen/push";
import { ApnsClient, Notification } from "apns2";
import { Pool } from "undici";
import type { Batch, SenderOptions } from "../push.js";
import { serverOptions } from "./serving.js";

/** Sends one push to each token, all at once, and answers how many were taken. */
type Send = (tokens: readonly string[]) => Promise<number>;

async function sentseen({ key, keyId, teamId, topic, url, ca }: SenderOptions): Promise<Send> {
  const provider = apns({ key, keyId, teamId, topic, url, ca });
  await provider.open();
  return async (tokens) => {
    const results = await Promise.all(
      tokens.map((token) =>
        provider.send({
          token,
          notification: {
            id: randomUUID(),
            alert: { title: "Ada", body: "Are you there?" },
            badge: 1,
            data: { conversation: "c1" },
            collapse_key: "c1",
            time_to_live: 3_600,
            urgency: "high",
          },
        }),
      ),
    );
    return results.filter(({ outcome }) => outcome === "sent").length;
  };
}

async function apns2({ key: signingKey, keyId, teamId: team, topic, url, ca }: SenderOptions): Promise<Send> {
  const client = new ApnsClient({ signingKey, keyId, team, defaultTopic: topic });
  // It knows Apple's port only, so its pool is replaced by one with the same settings.
  const settings = { connections: 32, pipelining: 1, allowH2: true, maxConcurrentStreams: 100 };
  Object.assign(client, { client: new Pool(url, { ...settings, connect: { ca } }) });
  return async (tokens) => {
    const expiration = new Date(Date.now() + 3_600_000);
    const results = await client.sendMany(
      tokens.map(
        (token) =>
          new Notification(token, {
            alert: { title: "Ada", body: "Are you there?" },
            badge: 1,
            sound: "default",
            threadId: "c1",
            collapseId: "c1",
            expiration,
            data: { conversation: "c1" },
          }),
      ),
    );
    return results.filter((result) => !("error" in result)).length;
  };
}

const options = serverOptions<SenderOptions>();
const send = await (options.subject === "sentseen" ? sentseen : apns2)(options);
const tokens = Array.from({ length: options.tokens }, (_, i) => i.toString(16).padStart(64, "0"));

process.on("message", async (request) => {
  if (request === "stop") process.exit(0);
  const [at, cpu] = [performance.now(), process.cpuUsage()];
  const sent = await send(tokens);
  const used = process.cpuUsage(cpu);
  const batch: Batch = { sent, seconds: (performance.now() - at) / 1000, cpu_us: used.user + used.system };
  process.send?.(batch);
});
process.send?.({ ready: true });
