import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type ChatServerOptions, createChatServer, developmentAuth } from "sentseen";
import { memory } from "sentseen/memory";
import { describe, expect, it, onTestFinished } from "vitest";
import { until } from "../../src/testing/until.js";
import { openHouse } from "./support/house.js";
import { askForUpgrade } from "./support/upgrade.js";

describe("pages of other origins", () => {
  type Origins = NonNullable<ChatServerOptions["origins"]>;
  const policies: [string, Origins | undefined, [string, number][]][] = [
    [
      "by default: only those of the host that was asked",
      undefined,
      [
        ["http://chat.example:8080", 101],
        ["https://chat.example:8080", 101],
        ["https://chat.example", 403],
        ["https://evil.example", 403],
        ["https://chat.example.evil.example:8080", 403],
        ["null", 403],
        ["", 403],
        ["chat.example:8080", 403],
      ],
    ],
    [
      "of a list: those that are on it, to the letter",
      ["https://app.example", "capacitor://localhost"],
      [
        ["https://app.example", 101],
        ["capacitor://localhost", 101],
        ["http://app.example", 403],
        ["https://app.example:8443", 403],
        ["https://app.example.evil.example", 403],
        ["https://chat.example:8080", 403],
      ],
    ],
    ["of an empty list: none", [], [["https://chat.example:8080", 403]]],
    [
      "any: all",
      "any",
      [
        ["https://evil.example", 101],
        ["null", 101],
      ],
    ],
  ];

  it.each(policies)("%s", async (_, origins, cases) => {
    const authenticate = () => null;
    const house = await openHouse({ authenticate, ...(origins !== undefined && { origins }) });
    for (const [origin, status] of cases) {
      const answer = await askForUpgrade(house.url, { Host: "chat.example:8080", Origin: origin });
      expect([origin, answer.status]).toEqual([origin, status]);
    }
    // What is no browser names none.
    expect(await askForUpgrade(house.url)).toMatchObject({ status: 101 });
    await until("all to be gone", () => house.server.stats().connections === 0);
  });

  it.each([
    ["chat.example:8080", 403],
    ["localhost.chat.example:8080", 403],
    ["localhost:8080", 101],
    ["alice.localhost:8080", 101],
    ["127.0.0.1:8080", 101],
    ["[::1]:8080", 101],
  ])(
    "where any name is believed, a page of %s is answered with %i, though its name leads here",
    async (host, status) => {
      const house = await openHouse();
      const answer = await askForUpgrade(house.url, { Host: host, Origin: `http://${host}` });
      expect(answer.status).toBe(status);
    },
  );

  it.each(["https://app.example/", "https://App.example", "app.example", "*", ""])(
    "of a list that names %o, which no browser sends, are a mistake",
    (origin) => {
      const options = { ...memory(), authenticate: developmentAuth(), origins: ["https://app.example", origin] };
      expect(() => createChatServer(options)).toThrow(expect.objectContaining({ code: "config", field: "origins.1" }));
    },
  );
});

describe("with development authentication", () => {
  it.each(["0.0.0.0", "::", "192.0.2.1", "example.com"])("a server doesn't listen on %s", async (host) => {
    const parts = memory();
    const chat = createChatServer({ ...parts, authenticate: developmentAuth() });
    await expect(chat.listen({ port: 0, host })).rejects.toMatchObject({ code: "config", field: "host" });
    await chat.close();
  });

  it.each(["localhost", "127.0.0.1", "127.1.2.3"])("a server listens on %s", async (host) => {
    const chat = createChatServer({ ...memory(), authenticate: developmentAuth() });
    onTestFinished(() => chat.close());
    expect(await askForUpgrade((await chat.listen({ port: 0, host })).url)).toMatchObject({ status: 101 });
  });

  it("an attached server turns away whoever comes from another machine", async () => {
    const chat = createChatServer({ ...memory(), authenticate: developmentAuth() });
    const http = createServer();
    onTestFinished(() => chat.close().then(() => void http.close()));
    let at = "";
    http.on("connection", (socket) => Object.defineProperty(socket, "localAddress", { get: () => at }));
    chat.attach(http);
    await chat.start();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/chat`;
    for (at of ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "128.0.0.1"]) {
      expect(await askForUpgrade(url)).toMatchObject({ status: 403 });
    }
    for (at of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
      expect(await askForUpgrade(url)).toMatchObject({ status: 101 });
    }
  });

  it("nothing of this holds for another authentication", async () => {
    const chat = createChatServer({ ...memory(), authenticate: ({ token }) => ({ user: token }) });
    onTestFinished(() => chat.close());
    const { port } = await chat.listen({ port: 0, host: "0.0.0.0" });
    expect(await askForUpgrade(`ws://127.0.0.1:${port}/chat`)).toMatchObject({ status: 101 });
  });
});

describe("more connections than a server takes", () => {
  it("are turned away with 503, those that said no hello count, and who leaves makes room", async () => {
    const house = await openHouse({ maxConnections: 2 });
    const alice = await house.client("alice");
    const silent = await house.socket();
    for (let i = 0; i < 3; i++) {
      const answer = await askForUpgrade(house.url);
      expect(answer).toMatchObject({ status: 503, headers: { "retry-after": expect.stringMatching(/^\d+$/) } });
    }
    await alice.say({ user: "bob" }, "undisturbed");
    await silent.drop();
    await until("room", () => house.server.stats().connections === 1);
    const bob = await house.client("bob");
    expect(bob.texts).toEqual(["undisturbed"]);
    expect(await askForUpgrade(house.url)).toMatchObject({ status: 503 });
  });

  it("don't disturb those who are in, however many come", async () => {
    const house = await openHouse({ maxConnections: 1 });
    const alice = await house.client("alice");
    const answers = await Promise.all(Array.from({ length: 100 }, () => askForUpgrade(house.url)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    await alice.say({ user: "alice" }, "still here");
    expect(house.server.stats()).toMatchObject({ connections: 1, users: 1 });
    expect(house.errors).toEqual([]);
  });
});
