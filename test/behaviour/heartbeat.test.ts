import { createConnection, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { JSON_TEXT } from "../../src/protocol/codec.js";
import { until } from "../../src/testing/until.js";
import { type House, openHouse } from "./support/house.js";
import { CLUSTERED_WAITING_FOR_STORAGE } from "./support/stores.js";
import { holdWheel } from "./support/wheel.js";
import type { WireClient } from "./support/wire-client.js";

/** Takes from a client what would answer the server's pings, as a connection does that is only half there. */
function silence(client: WireClient): void {
  client.socket.removeAllListeners("ping");
  client.socket.pong = () => {};
}

function pings(client: WireClient): () => number {
  let count = 0;
  client.socket.on("ping", () => count++);
  return () => count;
}

function isConnected(house: House, client: WireClient): boolean {
  return house.server.connections(client.user).some(({ device }) => device === client.device);
}

describe("a connection", () => {
  it("is told that it lives though the queue is away, and not that its mailbox ends where it did", async () => {
    let away = false;
    const house = await openHouse({
      store: CLUSTERED_WAITING_FOR_STORAGE,
      aroundQueue: (method, _args, run) => (method === "head" && away ? new Promise(() => {}) : run()),
    });
    const alice = await house.client("alice");
    away = true;
    await alice.say({ user: "bob" }, "hello");
    alice.send({ type: "ping" });
    expect(await alice.next("pong")).toMatchObject({ head: Number.MAX_SAFE_INTEGER });
    away = false;
    alice.send({ type: "ping" });
    await alice.next("pong", ({ head }) => head < Number.MAX_SAFE_INTEGER);
  });

  it("that is only half there is gone after idle_seconds, by the real clock", async () => {
    const house = await openHouse({ limits: { idle_seconds: 2 } });
    const client = await house.client("alice");
    silence(client);
    const since = performance.now();
    expect(await client.closed()).toBe(4410);
    const seconds = (performance.now() - since) / 1_000;
    expect(seconds).toBeGreaterThan(1);
    expect(seconds).toBeLessThan(5);
    await until("the server to forget it", () => house.server.stats().connections === 0);
  });

  it("that doesn't even take the close is gone a second later", async () => {
    const wheel = holdWheel();
    const house = await openHouse();
    const client = await house.client("alice");
    client.socket.pause();
    await wheel.pass(29);
    expect(isConnected(house, client)).toBe(true);
    await wheel.pass(2);
    await until("the server to forget it", () => house.server.stats().connections === 0);
  });

  it("that answers pings stays for as long as it likes", async () => {
    const wheel = holdWheel();
    const house = await openHouse();
    const client = await house.client("alice");
    const count = pings(client);
    for (let i = 1; i <= 10; i++) {
      for (let second = 0; count() < i && second < 16; second++) await wheel.pass(1);
      await until("a ping", () => count() === i);
      await client.caughtUp();
    }
    expect(isConnected(house, client)).toBe(true);
  });

  it("that says something now and then isn't pinged", async () => {
    const wheel = holdWheel();
    const house = await openHouse();
    const client = await house.client("alice");
    const count = pings(client);
    silence(client);
    for (let i = 0; i < 10; i++) {
      await wheel.pass(10);
      await client.caughtUp();
    }
    expect(count()).toBe(0);
    for (let i = 0; i < 10; i++) {
      await wheel.pass(10);
      client.socket.ping();
      await new Promise((resolve) => client.socket.once("pong", resolve));
    }
    expect(isConnected(house, client)).toBe(true);
  });

  it("that takes its time to send a large message stays", async () => {
    const wheel = holdWheel();
    const house = await openHouse();
    const client = await house.client("alice", { subProtocol: JSON_TEXT });
    const other = await house.client("bob");
    silence(client);
    const { _socket: socket } = client.socket as unknown as { _socket: Socket };
    const message = Buffer.from(JSON.stringify({ type: "ping" }));
    // A text frame whose mask is 0, a byte every ten seconds.
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | message.length, 0, 0, 0, 0]), message]);
    for (const byte of frame) {
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
      await other.caughtUp();
      await wheel.pass(10);
    }
    await client.next("pong");
    expect(isConnected(house, client)).toBe(true);
  });
});

describe("whoever connects", () => {
  it("has ten seconds to say hello", async () => {
    const wheel = holdWheel();
    const house = await openHouse();
    const client = await house.socket();
    await wheel.pass(9);
    expect(client.ended).toBeNull();
    await wheel.pass(2);
    expect(await client.closed()).toBe(4408);
    expect(client.all("error")).toMatchObject([{ code: "hello_timeout" }]);
  });

  it("says hello before anything else", async () => {
    // The close doesn't need the wheel, which ends what doesn't end by itself.
    holdWheel();
    const house = await openHouse();
    const client = await house.socket();
    client.send({ type: "ping" });
    expect(await client.closed()).toBe(4403);
    expect(client.all("error")).toMatchObject([{ code: "unauthenticated" }]);
  });

  it("says hello once", async () => {
    const house = await openHouse();
    const client = await house.client("alice");
    client.hello({ user: "alice", device: client.device });
    expect(await client.next("error")).toMatchObject({ code: "already_greeted" });
    await client.caughtUp();
  });
});

describe("a socket that takes nothing", () => {
  it("is given up after a minute", async () => {
    const wheel = holdWheel();
    const house = await openHouse();
    const alice = await house.client("alice");
    const slow = await house.client("slow");
    slow.socket.pause();
    const content = new Uint8Array(60_000);
    const waiting = () => house.server.connections("slow")[0]?.waiting_bytes ?? 0;
    for (let i = 0; i < 300 && waiting() < 256 * 1024; i++) {
      await alice.expect("ack", { type: "send", id: crypto.randomUUID(), user: "slow", content_type: "file", content });
    }
    for (let second = 0; second < 59; second += 10) {
      await wheel.pass(10);
      await alice.caughtUp();
    }
    expect(isConnected(house, slow)).toBe(true);
    await wheel.pass(15);
    await until("the server to forget it", () => !isConnected(house, slow));
    slow.socket.resume();
    await slow.closed();
    const again = await house.client({ user: "slow", device: slow.device, position: slow.position });
    expect((await again.next("welcome")).gap).toBe(false);
  });
});

describe("a raw socket that sends nothing at all", () => {
  it("doesn't keep the server from closing", async () => {
    const house = await openHouse();
    const socket = createConnection(Number(new URL(house.url).port), "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const since = performance.now();
    await house.server.close();
    expect(performance.now() - since).toBeLessThan(4_000);
    socket.destroy();
  });
});
