import { rootCertificates } from "node:tls";
import { describe, expect, test, vi } from "vitest";
import { apnsProvider, apnsServer, push, pushes } from "./apns-setup.js";

describe("when Apple's server goes", () => {
  test("in the middle of a batch, everything is sent, and each once", async () => {
    const { server, url } = await apnsServer(100);
    const provider = await apnsProvider(url);
    server.script.push(...Array(150).fill(0), "goaway");
    const batch = pushes(600);
    const results = await Promise.all(batch.map((each) => provider.send(each)));
    expect(results).toEqual(Array(600).fill({ outcome: "sent" }));
    expect(server.delivered().sort()).toEqual(batch.map(({ token }) => token).sort());
    expect(server.sessions).toBe(2);
  });

  test("with an error, what it hadn't looked at is sent over a new connection, the rest may be sent later", async () => {
    const { server, url } = await apnsServer(100);
    const provider = await apnsProvider(url);
    server.script.push(...Array(150).fill(0), "goaway with an error");
    const batch = pushes(600);
    const results = await Promise.all(batch.map((each) => provider.send(each)));
    const lost = results.filter(({ outcome }) => outcome === "retry");
    expect(lost.every((result) => "reason" in result && result.reason === "connection_lost")).toBe(true);
    expect(lost.length).toBeLessThanOrEqual(100);
    expect(results.filter(({ outcome }) => outcome === "sent")).toHaveLength(600 - lost.length);
    // Nobody gets a push twice.
    expect(new Set(server.delivered()).size).toBe(server.delivered().length);
    expect(server.sessions).toBe(2);
  });

  test("without a word, what was under way may be sent later, and the next push is sent", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    server.script.push("reset");
    expect(await provider.send(push())).toEqual({ outcome: "retry", reason: "connection_lost" });
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
    expect(server.sessions).toBe(2);
  });
});

describe("when Apple's server is slow", () => {
  test("a push that isn't answered ends at its deadline and disturbs no other", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url, { deadlineMs: 400 });
    await provider.send(push());
    server.script.push("silence");
    const unanswered = provider.send(push());
    const others = await Promise.all(pushes(20).map((each) => provider.send(each)));
    expect(others).toEqual(Array(20).fill({ outcome: "sent" }));
    expect(await unanswered).toEqual({ outcome: "retry", reason: "timeout" });
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
    expect(server.sessions).toBe(1);
  });

  test("a connection over which nothing comes any more is replaced", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url, { deadlineMs: 300 });
    await provider.send(push());
    server.script.push("silence", "silence");
    const results = await Promise.all(pushes(2).map((each) => provider.send(each)));
    expect(results.every(({ outcome }) => outcome === "retry")).toBe(true);
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
    expect(server.sessions).toBe(2);
  });
});

describe("when Apple's server has troubles", () => {
  test("it isn't asked again before the time that it says", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    server.script.push({ status: 503, reason: "ServiceUnavailable", headers: { "retry-after": "30" } });
    expect(await provider.send(push())).toEqual({
      outcome: "retry",
      reason: "ServiceUnavailable",
      retry_after: 30_000,
    });
    const held = await provider.send(push());
    expect(held).toMatchObject({ outcome: "retry", reason: "circuit_open" });
    expect((held as { retry_after: number }).retry_after).toBeGreaterThan(25_000);
    expect(server.requests).toHaveLength(1);
  });

  test("after five failures it is left alone, then one push tries, and all go on", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    const broken = { status: 500, reason: "InternalServerError" };
    server.script.push(...Array(6).fill(broken));
    for (let i = 0; i < 5; i++) {
      expect(await provider.send(push())).toEqual({ outcome: "retry", reason: "InternalServerError" });
    }
    expect(await provider.send(push())).toMatchObject({ reason: "circuit_open" });
    expect(server.requests).toHaveLength(5);

    const later = performance.now() + 1_500;
    const clock = vi.spyOn(performance, "now").mockReturnValue(later);
    // The push that tries fails: the pause doubles, for all the others as well.
    const [tried, held] = await Promise.all(pushes(2).map((each) => provider.send(each)));
    expect(tried).toEqual({ outcome: "retry", reason: "InternalServerError" });
    expect(held).toMatchObject({ reason: "circuit_open" });
    clock.mockReturnValue(later + 1_500);
    expect(await provider.send(push())).toMatchObject({ reason: "circuit_open" });
    clock.mockReturnValue(later + 3_000);
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
    expect(server.requests).toHaveLength(8);
  });

  test("a server that isn't there loses no push, and is met again when it is back", async () => {
    const { server, url } = await apnsServer();
    await server.close();
    const provider = await apnsProvider(url);
    expect(await provider.send(push())).toEqual({ outcome: "retry", reason: "unreachable" });
    await apnsServer(100, Number(new URL(url).port));
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
  });

  test("a server that isn't Apple's gets nothing", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url, { ca: rootCertificates.join("\n") });
    expect(await provider.send(push())).toEqual({ outcome: "retry", reason: "unreachable" });
    expect(server.requests).toHaveLength(0);
  });
});

describe("after a silence", () => {
  test("it is asked whether the connection stands before a push is sent over it", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    await provider.send(push());
    const now = performance.now();
    vi.spyOn(performance, "now").mockReturnValue(now + 61_000);
    expect(await provider.send(push())).toEqual({ outcome: "sent" });
    expect(server.sessions).toBe(1);
  });
});

describe("closing", () => {
  test("lets end what is under way, and takes no more", async () => {
    const { server, url } = await apnsServer();
    const provider = await apnsProvider(url);
    await provider.send(push());
    server.slowMs = 100;
    const last = provider.send(push());
    await vi.waitFor(() => expect(server.requests).toHaveLength(2));
    await provider.close();
    expect(await last).toEqual({ outcome: "sent" });
    expect(await provider.send(push())).toEqual({ outcome: "retry", reason: "closed" });
    await provider.close();
  });
});
