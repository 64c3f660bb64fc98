import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type ChatServer, type ChatServerOptions, createChatServer, developmentAuth } from "sentseen";
import { memory } from "sentseen/memory";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { until } from "../../src/testing/until.js";
import { askForUpgrade } from "./support/upgrade.js";
import { WireClient } from "./support/wire-client.js";

/** An HTTP server of the host's, and where it is. */
async function hostServer(): Promise<{ readonly http: Server; readonly url: string }> {
  const http = createServer((_request, response) => void response.end("the host's page"));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return { http, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

function chatServer(options: Partial<ChatServerOptions> = {}): ChatServer {
  const chat = createChatServer({ ...memory(), authenticate: developmentAuth(), ...options });
  onTestFinished(() => chat.close());
  return chat;
}

/** Another user of the host's upgrades: it echoes what it is sent under its path. */
function echo(http: Server, path: string): void {
  const websockets = new WebSocketServer({ noServer: true });
  websockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  http.on("upgrade", (request, socket, head) => {
    if (request.url !== path) return;
    websockets.handleUpgrade(request, socket, head, (opened) => websockets.emit("connection", opened));
  });
}

async function echoed(socket: WebSocket, text: string): Promise<string> {
  const answer = once(socket, "message", { signal: AbortSignal.timeout(5_000) });
  socket.send(text);
  return String((await answer)[0]);
}

async function page(url: string): Promise<string> {
  return (await fetch(url.replace("ws:", "http:"))).text();
}

describe("a chat server attached to the host's HTTP server", () => {
  it("serves its path, whatever the query, and leaves requests to the host", async () => {
    const { http, url } = await hostServer();
    const chat = chatServer();
    await chat.start();
    chat.attach(http);
    const alice = await WireClient.connect(`${url}/chat`, { user: "alice" });
    const bob = await WireClient.connect(`${url}/chat?from=app`, { user: "bob" });
    await alice.say({ user: "bob" }, "hello");
    await bob.gets("hello");
    expect(await page(`${url}/`)).toBe("the host's page");
    expect(await page(`${url}/chat`)).toBe("the host's page");
  });

  it("leaves upgrades of other paths to whom they are for, whoever came first", async () => {
    const { http, url } = await hostServer();
    const chat = chatServer();
    await chat.start();
    echo(http, "/before");
    chat.attach(http, { path: "/im" });
    echo(http, "/after");
    const alice = await WireClient.connect(`${url}/im`, { user: "alice" });
    const others = ["/before", "/after"].map((path) => new WebSocket(url + path));
    await Promise.all(others.map((socket) => once(socket, "open", { signal: AbortSignal.timeout(5_000) })));
    expect(await Promise.all(others.map((socket) => echoed(socket, "hi")))).toEqual(["hi", "hi"]);
    expect(chat.stats().connections).toBe(1);
    await alice.say({ user: "alice" }, "note to self");
    for (const socket of others) socket.terminate();
  });

  it("turns unknown paths away with 404 where nobody else would answer", async () => {
    const { http, url } = await hostServer();
    const [one, two] = [chatServer(), chatServer()];
    for (const path of ["/one", "/chat"]) one.attach(http, { path });
    two.attach(http, { path: "/two" });
    await Promise.all([one.start(), two.start()]);
    for (const path of ["/", "/chat/", "/CHAT", "/chat/one", "//chat", "/%63hat"]) {
      expect(await askForUpgrade(url + path)).toMatchObject({ status: 404 });
    }
    for (const path of ["/one", "/chat", "/two"])
      expect(await askForUpgrade(url + path)).toMatchObject({ status: 101 });
  });

  it("turns its path away with 503 until it has started", async () => {
    const { http, url } = await hostServer();
    const chat = chatServer();
    chat.attach(http);
    expect(await askForUpgrade(`${url}/chat`)).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    await chat.start();
    expect(await askForUpgrade(`${url}/chat`)).toMatchObject({ status: 101 });
  });

  it("changes nothing else of the host's server", async () => {
    const { http } = await hostServer();
    const settings = () => [http.headersTimeout, http.requestTimeout, http.keepAliveTimeout, http.timeout];
    const listeners = () => http.eventNames().map((event) => [event, http.listenerCount(event)]);
    const before = { settings: settings(), listeners: listeners() };
    const chat = chatServer();
    chat.attach(http);
    await chat.start();
    expect(settings()).toEqual(before.settings);
    expect(listeners()).toEqual([...before.listeners, ["upgrade", 1]]);
    await chat.close();
    expect(listeners()).toEqual(before.listeners);
  });

  it("closes without closing the host's server, its requests or the upgrades of others", async () => {
    const { http, url } = await hostServer();
    const chat = chatServer();
    await chat.start();
    echo(http, "/echo");
    chat.attach(http);
    const alice = await WireClient.connect(`${url}/chat`, { user: "alice" });
    const other = new WebSocket(`${url}/echo`);
    await once(other, "open", { signal: AbortSignal.timeout(5_000) });
    await chat.close();
    expect(await alice.closed()).toBe(4412);
    expect(await echoed(other, "still there")).toBe("still there");
    expect(await page(url)).toBe("the host's page");
    other.terminate();
    // Another one takes its place.
    const next = chatServer();
    next.attach(http);
    await next.start();
    expect(await askForUpgrade(`${url}/chat`)).toMatchObject({ status: 101 });
  });

  it("survives that the host closes its server first", async () => {
    const { http, url } = await hostServer();
    const chat = chatServer();
    chat.attach(http);
    await chat.start();
    const alice = await WireClient.connect(`${url}/chat`, { user: "alice" });
    http.close();
    await alice.say({ user: "alice" }, "note to self");
    await chat.close();
    expect(await alice.closed()).toBe(4412);
    await until("the host's server to be closed", () => !http.listening);
  });
});

describe("attaching is refused", () => {
  const config = (field: string) => expect.objectContaining({ code: "config", field });

  it("at a path that is taken already, which would crash both", async () => {
    const { http, url } = await hostServer();
    const [one, two] = [chatServer(), chatServer()];
    one.attach(http);
    expect(() => one.attach(http)).toThrow(config("path"));
    expect(() => two.attach(http, { path: "/chat" })).toThrow(config("path"));
    two.attach((await hostServer()).http);
    await one.start();
    expect(await askForUpgrade(`${url}/chat`)).toMatchObject({ status: 101 });
    await one.close();
    two.attach(http);
  });

  it("at what is no path, with unknown options, and once the server is closed", async () => {
    const { http } = await hostServer();
    const chat = chatServer();
    expect(() => chat.attach(http, { path: "chat" })).toThrow(config("path"));
    expect(() => chat.attach(http, { prefix: "/chat" } as never)).toThrow(config("prefix"));
    await chat.close();
    expect(() => chat.attach(http)).toThrow(expect.objectContaining({ code: "closed" }));
    expect(http.listenerCount("upgrade")).toBe(0);
  });
});
