import { deflateRawSync } from "node:zlib";
import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { GREETING_BYTES, GREETING_FRAMES, MESSAGE_FRAGMENTS } from "../../src/protocol/bounds.js";
import { JSON_TEXT, MSGPACK, SUB_PROTOCOLS } from "../../src/protocol/codec.js";
import { until } from "../../src/testing/until.js";
import { written } from "../property/wire-form.js";
import { frame, HostileSocket, OP, upgradeRequest } from "./hostile-socket.js";
import { type House, openHouse } from "./support/house.js";
import type { WireClient } from "./support/wire-client.js";

// What can be sent by whoever reaches the port, with or without an account, below and beside the protocol's frames.

/** Others go on talking as if nothing was, and nothing is left of those who went. */
async function stillServes(house: House): Promise<void> {
  const [alice, bob] = [await house.client("alice"), await house.client("bob")];
  const text = `still here ${newId()}`;
  await alice.say({ user: "bob" }, text);
  await bob.gets(text);
  expect(house.errors).toEqual([]);
  await until("the others to be gone", () => house.server.stats().connections === 2, 15_000);
}

function hello(user: string): Record<string, unknown> {
  return { type: "hello", token: user, device: { id: newId() } };
}

/** A WebSocket of bare bytes that is let in as mallory. */
async function letIn(house: House): Promise<HostileSocket> {
  const socket = await HostileSocket.upgraded(house.url, MSGPACK);
  socket.write(frame(OP.binary, written(MSGPACK, hello("mallory"))));
  await until("mallory to be let in", () => house.server.connections("mallory").length > 0);
  return socket;
}

describe("WebSocket frames that break the rules", () => {
  const ping = written(MSGPACK, { type: "ping" });
  const compressed = deflateRawSync(Buffer.from(ping as Uint8Array));
  const text = (bytes: Uint8Array) => frame(OP.text, bytes);

  it.each([
    ["compressed, though nobody agreed to it", [frame(OP.binary, compressed, { rsv: 4 })], 1002],
    ["with reserved bits", [frame(OP.binary, ping, { rsv: 3 })], 1002],
    ["of an unknown kind", [frame(3, ping)], 1002],
    ["not masked", [frame(OP.binary, ping, { masked: false })], 1002],
    ["a ping of more than 125 bytes", [frame(OP.ping, new Uint8Array(126))], 1002],
    ["a ping in fragments", [frame(OP.ping, "", { fin: false })], 1002],
    ["a continuation of nothing", [frame(OP.continuation, ping)], 1002],
    ["a message within another one", [frame(OP.binary, ping, { fin: false }), frame(OP.binary, ping)], 1002],
    ["a close with half a code", [frame(OP.close, Buffer.of(3))], 1002],
    ["a close with a code that may not be sent", [frame(OP.close, Buffer.of(0x03, 0xee))], 1002],
    ["text that is not UTF-8", [text(Buffer.of(0x63, 0x61, 0x66, 0xe9))], 1007],
    ["a surrogate in UTF-8", [text(Buffer.of(0xed, 0xa0, 0x80))], 1007],
    ["a length of 2^63", [Buffer.of(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0)], 1009],
    ["a length of 4 GiB", [Buffer.of(0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0)], 1009],
    [
      "more fragments than there may be",
      new Array(MESSAGE_FRAGMENTS + 1).fill(frame(OP.continuation, "a", { fin: false })),
      1008,
    ],
    ["empty fragments without end", new Array(4_000).fill(frame(OP.continuation, "", { fin: false })), 1008],
  ])("%s close the connection before and after hello", async (what, frames, code) => {
    const house = await openHouse();
    // Fragments need a beginning.
    const first = what.includes("fragments") && code === 1008 ? [frame(OP.binary, "", { fin: false })] : [];
    for (const socket of [await HostileSocket.upgraded(house.url), await letIn(house)]) {
      socket.write(Buffer.concat([...first, ...frames]));
      expect(await socket.closed()).toBe(code);
      socket.end();
    }
    await stillServes(house);
  });

  it("a message in as many fragments as there may be is one message", async () => {
    const house = await openHouse();
    const socket = await letIn(house);
    const message = Buffer.from(written(MSGPACK, { type: "ping", x: "y".repeat(400) }) as Uint8Array);
    const before = socket.frames.length;
    for (let i = 0; i < MESSAGE_FRAGMENTS; i++) {
      const last = i === MESSAGE_FRAGMENTS - 1;
      const part = message.subarray(i, last ? undefined : i + 1);
      socket.write(frame(i === 0 ? OP.binary : OP.continuation, part, { fin: last }));
    }
    await until("a pong", () => socket.frames.slice(before).some(({ payload }) => payload.includes("pong")));
    socket.end();
    await stillServes(house);
  });

  it("a flood of pings from one who reads nothing leaves nothing piled up", async () => {
    const house = await openHouse();
    const socket = await letIn(house);
    socket.socket.pause();
    const pings = Buffer.concat(new Array(500).fill(frame(OP.ping, new Uint8Array(125))));
    const waiting = () => house.server.connections("mallory")[0]?.waiting_bytes ?? 0;
    // Until the server reads no more: what it was sent stays on this side.
    await until(
      "the server to listen no more",
      async () => {
        for (let i = 0; i < 20 && socket.socket.writableLength < 1 << 20; i++) socket.write(pings);
        await new Promise((resolve) => setImmediate(resolve));
        return socket.socket.writableLength >= 1 << 20 && waiting() > 100_000;
      },
      20_000,
    );
    expect(waiting()).toBeLessThan(1 << 20);
    // It does read on when its answers are taken.
    socket.socket.resume();
    await until("the rest to be read", () => socket.socket.writableLength === 0, 20_000);
    socket.end();
    await stillServes(house);
  });
});

describe("before hello", () => {
  it.each(SUB_PROTOCOLS)(
    "any other frame over %s closes with 4403, with the reason in an error",
    async (subProtocol) => {
      const house = await openHouse();
      const frames = [
        { type: "ping" },
        { type: "send", ref: 1 },
        { type: "nothing" },
        {},
        { type: "hello" },
        { ...hello("a"), device: {} },
      ];
      for (const value of frames) {
        const client = await house.socket({ subProtocol });
        client.socket.send(written(subProtocol, value));
        expect(await client.closed()).toBe(4403);
        expect(client.frames).toMatchObject([{ type: "error" }]);
      }
      await stillServes(house);
    },
  );

  it.each(SUB_PROTOCOLS)("bytes that are no frame over %s close with 4400", async (subProtocol) => {
    const house = await openHouse();
    for (const bytes of ["", "[", "null", Buffer.of(0xc1), Buffer.alloc(0), Buffer.alloc(1_000, 0xff)]) {
      const client = await house.socket({ subProtocol });
      client.socket.send(bytes);
      expect(await client.closed()).toBe(4400);
    }
    await stillServes(house);
  });

  it("more bytes than a hello can have close with 4400, however they are cut", async () => {
    const house = await openHouse();
    const large = frame(OP.binary, Buffer.alloc(GREETING_BYTES + 1));
    for (const size of [large.length, 1_400]) {
      const socket = await HostileSocket.upgraded(house.url);
      for (let at = 0; at < large.length; at += size) socket.write(large.subarray(at, at + size));
      expect(await socket.closed()).toBe(4400);
      socket.end();
    }
    await stillServes(house);
  });

  it("pings and empty fragments count as bytes, too", async () => {
    const house = await openHouse();
    for (const one of [frame(OP.ping), frame(OP.pong, "x")]) {
      const socket = await HostileSocket.upgraded(house.url);
      socket.write(Buffer.concat(new Array(Math.ceil(GREETING_BYTES / one.length) + 1).fill(one)));
      expect(await socket.closed()).toBe(4400);
      socket.end();
    }
    await stillServes(house);
  });

  it("more frames than may wait for the host's decision close with 4400", async () => {
    let decide = () => {};
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const house = await openHouse({
      authenticate: async ({ token: user }) => {
        if (user === "mallory") await decided;
        return { user };
      },
    });
    const client = await house.socket({ subProtocol: JSON_TEXT });
    client.socket.send(written(JSON_TEXT, [hello("mallory"), ...new Array(GREETING_FRAMES).fill({ type: "ping" })]));
    client.socket.send(written(JSON_TEXT, { type: "ping" }));
    expect(await client.closed()).toBe(4400);
    decide();
    await stillServes(house);
    expect(house.server.connections("mallory")).toEqual([]);
  });

  it("500 sockets that never say a word are closed with 4408 in time, while others get in", async () => {
    const house = await openHouse();
    const since = performance.now();
    const silent = await Promise.all(Array.from({ length: 500 }, () => HostileSocket.upgraded(house.url)));
    const alice = await house.client("alice");
    await alice.say({ user: "alice" }, "note to self");
    const codes = await Promise.all(silent.map((socket) => socket.closed(20_000)));
    expect(new Set(codes)).toEqual(new Set([4408]));
    expect(performance.now() - since).toBeLessThan(16_000);
    await Promise.all(silent.map((socket) => socket.cut()));
    await alice.leave();
    await stillServes(house);
  });

  it("one that trickles a byte a moment is closed in time, too", async () => {
    const house = await openHouse();
    const socket = await HostileSocket.upgraded(house.url);
    const bytes = frame(OP.binary, written(MSGPACK, { ...hello("mallory"), more: "x".repeat(4_000) }));
    let at = 0;
    const trickle = setInterval(() => socket.write(bytes.subarray(at, ++at)), 50);
    expect(await socket.closed(20_000)).toBe(4408);
    clearInterval(trickle);
    socket.end();
    await stillServes(house);
  });
});

describe("HTTP requests that are none of ours", () => {
  const PROTOCOL = { "Sec-WebSocket-Protocol": MSGPACK };

  async function answered(house: House, request: string | Uint8Array, patienceMs?: number): Promise<string> {
    const socket = await HostileSocket.open(house.url);
    socket.write(request);
    await until("an answer", () => socket.status !== "" || socket.gone, patienceMs);
    await socket.cut(patienceMs);
    return socket.status;
  }

  it.each([
    ["another page's origin", { ...PROTOCOL, Origin: "https://evil.example" }, 403],
    ["an origin that is none", { ...PROTOCOL, Origin: "null" }, 403],
    ["an origin by its beginning", { ...PROTOCOL, Origin: "http://127.0.0.1.evil.example" }, 403],
    ["no sub-protocol", {}, 400],
    ["an unknown sub-protocol", { "Sec-WebSocket-Protocol": "sentseen.v9.cbor" }, 400],
    ["a sub-protocol that is none", { "Sec-WebSocket-Protocol": ",,;=" }, 400],
    ["no key", { ...PROTOCOL, "Sec-WebSocket-Key": "" }, 400],
    ["a key that is none", { ...PROTOCOL, "Sec-WebSocket-Key": "abc" }, 400],
    ["an old version", { ...PROTOCOL, "Sec-WebSocket-Version": "7" }, 400],
    ["a header without end", { ...PROTOCOL, "X-Large": "x".repeat(100_000) }, 431],
  ])("%s is turned away", async (_, headers, status) => {
    const house = await openHouse();
    expect(await answered(house, upgradeRequest(house.url, headers))).toContain(` ${status} `);
    await stillServes(house);
  });

  it("other paths and methods, and bytes that are no HTTP, are turned away", async () => {
    const house = await openHouse();
    const request = upgradeRequest(house.url, PROTOCOL);
    expect(await answered(house, request.replace("/chat", "/chat/../x"))).toContain(" 404 ");
    expect(await answered(house, request.replace("/chat", "//[?"))).toContain(" 404 ");
    expect(await answered(house, request.replace("GET", "POST"))).toContain(" 405 ");
    expect(await answered(house, "\u0000\u0001\u0002\r\n\r\n")).toContain(" 400 ");
    expect(await answered(house, Buffer.alloc(1_000, 0xff))).toContain(" 400 ");
    await stillServes(house);
  });

  it("a request that is never finished is cut off, and one that is never begun", async () => {
    const house = await openHouse();
    const whole = upgradeRequest(house.url, PROTOCOL);
    const slow = await Promise.all(Array.from({ length: 50 }, () => HostileSocket.open(house.url)));
    let at = 1;
    for (const socket of slow.slice(1)) socket.write(whole.slice(0, at));
    const trickle = setInterval(() => {
      at++;
      for (const socket of slow.slice(1)) socket.write(whole.slice(at - 1, at));
    }, 500);
    const since = performance.now();
    const alice = await house.client("alice");
    await Promise.all(slow.map((socket) => socket.cut(30_000)));
    clearInterval(trickle);
    expect(performance.now() - since).toBeLessThan(20_000);
    await alice.leave();
    await stillServes(house);
  });

  it("300 connections that come and go in the middle of everything leave nothing behind", async () => {
    const house = await openHouse();
    const request = upgradeRequest(house.url, PROTOCOL);
    const greeting = Buffer.concat([Buffer.from(request), frame(OP.binary, written(MSGPACK, hello("mallory")))]);
    for (let i = 0; i < 300; i++) {
      const socket = await HostileSocket.open(house.url);
      socket.write(greeting.subarray(0, (greeting.length * i) / 300));
      if (i % 3 === 0) socket.socket.resetAndDestroy();
      else socket.end();
    }
    await stillServes(house);
  });

  it("frames that come with the upgrade are read", async () => {
    const house = await openHouse();
    const socket = await HostileSocket.open(house.url);
    const request = Buffer.from(upgradeRequest(house.url, PROTOCOL));
    socket.write(Buffer.concat([request, frame(OP.binary, written(MSGPACK, hello("mallory")))]));
    await until("mallory to be let in", () => house.server.connections("mallory").length === 1);
    socket.end();
    await stillServes(house);
  });
});

it("one device that connects 200 times at once ends as one connection", async () => {
  const house = await openHouse();
  const device = newId();
  const clients = await Promise.all(Array.from({ length: 200 }, () => house.socket()));
  for (const client of clients) client.hello({ user: "mallory", device });
  await until("one to be left", () => clients.filter(({ ended }) => ended === null).length === 1, 15_000);
  expect(house.server.connections("mallory")).toHaveLength(1);
  const codes = clients.map(({ ended }) => ended?.code).filter((code) => code !== undefined);
  expect(new Set(codes)).toEqual(new Set([4501]));
  const [left] = clients.filter(({ ended }) => ended === null) as [WireClient];
  await left.next("synced");
  expect(await left.say({ user: "mallory" }, "me")).toMatchObject({ seq: 1 });
  await left.leave();
  await stillServes(house);
});
