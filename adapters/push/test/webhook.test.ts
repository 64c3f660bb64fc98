import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { PushProvider } from "sentseen/ports";
import { describe, expect, onTestFinished, test } from "vitest";
import { webhook } from "../src/index.js";
import { push } from "./apns-setup.js";

const secret = randomBytes(32);
const encoded = `whsec_${secret.toString("base64")}`;

interface Host {
  readonly posts: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
  status: number;
}

async function setUp(): Promise<{ host: Host; provider: PushProvider }> {
  const host: Host = { posts: [], status: 204 };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    host.posts.push({ headers: request.headers, body });
    response.writeHead(host.status, host.status === 429 ? { "retry-after": "3" } : {}).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const provider = webhook({ url: `http://127.0.0.1:${port}/push?from=chat`, secret: encoded });
  await provider.open();
  onTestFinished(async () => {
    await provider.close();
    server.close();
  });
  return { host, provider };
}

describe("a push over a webhook", () => {
  test("is posted as it is, signed with its id and time", async () => {
    const { host, provider } = await setUp();
    const given = push({ collapse_key: "c1" }, "any token at all");
    expect(await provider.send(given)).toEqual({ outcome: "sent" });
    const { headers, body } = host.posts[0] ?? { headers: {}, body: "" };
    expect(JSON.parse(body)).toEqual({ token: "any token at all", notification: given.notification });
    const { "webhook-id": id, "webhook-timestamp": at } = headers;
    expect(id).toBe(given.notification.id);
    expect(Math.abs(Date.now() / 1000 - Number(at))).toBeLessThan(10);
    const signature = createHmac("sha256", secret).update(`${id}.${at}.${body}`).digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${signature}`);
  });

  test.each([
    [410, { outcome: "dead", reason: "status_410" }],
    [429, { outcome: "retry", reason: "status_429", retry_after: 3_000 }],
    [500, { outcome: "retry", reason: "status_500" }],
    [302, { outcome: "refused", reason: "status_302" }],
    [400, { outcome: "refused", reason: "status_400" }],
  ])("answered with %i comes to what that means", async (status, expected) => {
    const { host, provider } = await setUp();
    host.status = status;
    expect(await provider.send(push())).toEqual(expected);
  });
});

test.each([
  ["url", { url: "http://push.example.com" }],
  ["url", { url: "ftp://localhost" }],
  ["secret", { secret: "short" }],
  ["name", { name: "My Push" }],
])("an unusable %s is told at once", (field, given) => {
  const good = { url: "https://push.example.com", secret: encoded };
  expect(() => webhook({ ...good, ...given })).toThrow(expect.objectContaining({ code: "config", field }));
});
