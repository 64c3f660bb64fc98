import { expect, it } from "vitest";
import { newId } from "../../src/model/ids.js";
import { clientCodec, MSGPACK } from "../../src/protocol/codec.js";
import { until } from "../../src/testing/until.js";
import { frame, HostileSocket, OP, upgradeRequest } from "./hostile-socket.js";
import { type House, openHouse } from "./support/house.js";

const hello = (user: string) =>
  clientCodec(MSGPACK).encode({ type: "hello", token: user, device: { id: newId() } }) as Uint8Array;

/** A socket that has been let in. */
async function letIn(house: House, user = "mallory"): Promise<HostileSocket> {
  const socket = await HostileSocket.upgraded(house.url);
  socket.write(frame(OP.binary, hello(user)));
  await until("the welcome", () => socket.frames.length >= 2);
  return socket;
}

/** Whatever was done to the server, others talk as ever and it has nothing to report. */
async function unharmed(house: House): Promise<void> {
  const [alice, bob] = [await house.client("alice"), await house.client("bob")];
  await alice.say({ user: "bob" }, "still here");
  await bob.next("message");
  expect(house.errors).toEqual([]);
}

it.each([
  ["a frame without a mask", frame(OP.binary, "x", { masked: false }), 1002],
  ["a reserved bit: compression that nobody agreed on", frame(OP.binary, "x", { rsv: 4 }), 1002],
  ["an unknown opcode", frame(11, "x"), 1002],
  ["a ping in fragments", frame(OP.ping, "x", { fin: false }), 1002],
  ["a ping that is too long", frame(OP.ping, "x".repeat(126)), 1002],
  ["a continuation of nothing", frame(OP.continuation, "x"), 1002],
  ["text that is no UTF-8", frame(OP.text, Buffer.of(0xc3, 0x28)), 1007],
  ["a close code that doesn't exist", frame(OP.close, Buffer.of(0x03, 0xed)), 1002],
])("%s closes the connection", async (_what, bytes, code) => {
  const house = await openHouse({});
  const socket = await letIn(house);
  socket.write(bytes);
  expect(await socket.closed()).toBe(code);
  await unharmed(house);
});

it("fragments without end close the connection", async () => {
  const house = await openHouse({});
  const socket = await letIn(house);
  socket.write(frame(OP.binary, "x", { fin: false }));
  for (let i = 0; i < 20_000 && !socket.gone; i++) socket.write(frame(OP.continuation, "", { fin: false }));
  expect(await socket.closed()).toBe(1008);
  await unharmed(house);
});

it("whoever isn't let in can't send much", async () => {
  const house = await openHouse({});
  const socket = await HostileSocket.upgraded(house.url);
  for (let i = 0; i < 64; i++) socket.write(frame(OP.binary, new Uint8Array(4_096), { fin: false }));
  expect(await socket.closed()).toBe(4400);
  await unharmed(house);
});

it("anything before hello closes the connection with 4403", async () => {
  const house = await openHouse({});
  const socket = await HostileSocket.upgraded(house.url);
  socket.write(frame(OP.binary, clientCodec(MSGPACK).encode({ type: "ping" }) as Uint8Array));
  expect(await socket.closed()).toBe(4403);
  await unharmed(house);
});

it("a flood of strangers keeps nobody out, and they are gone when their time is up", { timeout: 60_000 }, async () => {
  const house = await openHouse({});
  const strangers = await Promise.all(Array.from({ length: 500 }, () => HostileSocket.upgraded(house.url)));
  await unharmed(house);
  const codes = await Promise.all(strangers.map((stranger) => stranger.closed(30_000)));
  expect(new Set(codes)).toEqual(new Set([4408]));
  await until("the strangers are forgotten", () => house.server.stats().connections === 2, 10_000);
});

it("an upgrade that asks for nothing known, or for too much, is refused", async () => {
  const house = await openHouse({});
  const ask = async (headers: Readonly<Record<string, string>>): Promise<string> => {
    const socket = await HostileSocket.open(house.url);
    socket.write(upgradeRequest(house.url, headers));
    await until("an answer", () => socket.status !== "" || socket.gone);
    return socket.status;
  };
  expect(await ask({})).toContain(" 400 ");
  expect(await ask({ "Sec-WebSocket-Protocol": "chat" })).toContain(" 400 ");
  expect(await ask({ "Sec-WebSocket-Protocol": MSGPACK, Origin: "https://evil.example" })).toContain(" 403 ");
  expect(await ask({ "Sec-WebSocket-Protocol": MSGPACK, "Sec-WebSocket-Version": "7" })).toContain(" 400 ");
  expect(await ask({ "Sec-WebSocket-Protocol": MSGPACK, Cookie: "x".repeat(100_000) })).toContain(" 431 ");
  await unharmed(house);
});

it("half an upgrade request holds up nobody", async () => {
  const house = await openHouse({});
  const slow = await Promise.all(Array.from({ length: 100 }, () => HostileSocket.open(house.url)));
  for (const socket of slow) socket.write(upgradeRequest(house.url, {}).slice(0, 40));
  await unharmed(house);
  for (const socket of slow) socket.end();
});
