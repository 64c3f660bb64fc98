import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { newId } from "sentseen";
import { afterEach, beforeEach, expect, it } from "vitest";
import { JSON_TEXT, MSGPACK, SUB_PROTOCOLS, type SubProtocol } from "../../src/protocol/codec.js";
import { CLIENT_FRAMES } from "../../src/protocol/frames.js";
import { until } from "../../src/testing/until.js";
import { frameOf } from "../property/frame-values.js";
import { written } from "../property/wire-form.js";
import { frame, HostileSocket, OP, upgradeRequest } from "./hostile-socket.js";
import { WireClient } from "./support/wire-client.js";

// Each attack goes on for rounds against a server in a process of its own. What it uses afterwards, when everything
// that can be is collected, must not grow from round to round.

const ROUNDS = 12;
/** Rounds in which code is compiled and caches fill. */
const WARMING_UP = 4;
/** Bytes that a round may leave behind by chance; a few connections, or one message, that stay are more. */
const NOISE = 128 * 1024;

interface Look {
  readonly bytes: number;
  readonly connections: number;
  readonly errors: number;
}

let server: ChildProcess;
let url: string;

beforeEach(async () => {
  server = fork(fileURLToPath(new URL("./hostile-server.ts", import.meta.url)), {
    execArgv: ["--expose-gc", "--conditions=sentseen-source", "--import", "tsx"],
  });
  const [told] = await once(server, "message", { signal: AbortSignal.timeout(30_000) });
  url = told.url;
});

afterEach(async () => {
  const ended = once(server, "exit");
  server.kill();
  await ended;
});

async function look(): Promise<Look> {
  const answer = once(server, "message", { signal: AbortSignal.timeout(30_000) });
  server.send("look");
  const [told] = await answer;
  return told;
}

/** The memory that the server uses when the attackers are gone. */
async function atRest(): Promise<number> {
  await until("the attackers to be gone", async () => (await look()).connections === 0, 20_000);
  const looks: Look[] = [];
  // What a socket held goes some turns after it.
  for (let i = 0; i < 10; i++) {
    looks.push(await look());
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(Math.max(...looks.map(({ errors }) => errors))).toBe(0);
  return Math.min(...looks.map(({ bytes }) => bytes));
}

const text = (value: unknown) => written(JSON_TEXT, value);
const hello = () => ({ type: "hello", token: "mallory", device: { id: "019ab2c4-5d6e-7f80-9a1b-2c3d4e5f6071" } });

/** Sends each message over a connection that is let in, and over a new one whenever it is closed. */
async function allOf(subProtocol: SubProtocol, messages: readonly (Uint8Array | string)[]): Promise<void> {
  let client: WireClient | null = null;
  for (const message of messages) {
    if (client === null || client.ended !== null) {
      client = await WireClient.open(url, { subProtocol });
      client.socket.send(written(subProtocol, hello()));
    }
    client.socket.send(message);
    // The close of a bad message comes before the next one is sent.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client?.drop();
}

/** What asks, and stores nothing. */
const ASKING = ["ping", "pull", "receipts", "conversations", "group.members", "receipt", "auth"] as const;
const asking = fc.oneof(...ASKING.map((type) => frameOf(type, CLIENT_FRAMES[type])));

const ATTACKS: Readonly<Record<string, () => Promise<unknown>>> = {
  "random bytes": () =>
    Promise.all(
      SUB_PROTOCOLS.map((name) =>
        allOf(
          name,
          Array.from({ length: 300 }, () => randomBytes((1 + Math.random() * 200) | 0)),
        ),
      ),
    ),
  "frames by chance, with bits turned": () =>
    Promise.all(
      SUB_PROTOCOLS.map((name) => {
        const messages = fc.sample(fc.tuple(asking, fc.nat()), 300).map(([value, flip]) => {
          const bytes = Buffer.from(written(name, value) as string);
          const at = flip % bytes.length;
          if (flip % 3 === 0) bytes[at] = (bytes[at] as number) ^ (1 << (flip % 8));
          return bytes;
        });
        return allOf(name, messages);
      }),
    ),
  "messages past every limit": () =>
    Promise.all([
      allOf(
        JSON_TEXT,
        [300_000, 900_000, 1_100_000].map((size) => text({ type: "ping", x: "x".repeat(size) })),
      ),
      allOf(
        MSGPACK,
        [300_000, 900_000, 1_100_000].map((size) => Buffer.alloc(size, 0x91)),
      ),
      allOf(JSON_TEXT, [
        "[".repeat(200_000),
        `[${"{},".repeat(80_000)}{}]`,
        `{"type":"ping","x":[${"0,".repeat(120_000)}0]}`,
      ]),
      allOf(MSGPACK, [Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff])]),
    ]),
  "fragments without end": async () => {
    for (const opcode of [OP.binary, OP.text]) {
      const sockets = await Promise.all(Array.from({ length: 10 }, () => HostileSocket.upgraded(url)));
      for (const socket of sockets) {
        socket.write(frame(opcode, "a", { fin: false }));
        socket.write(Buffer.concat(new Array(300).fill(frame(OP.continuation, "a".repeat(50), { fin: false }))));
      }
      await Promise.all(sockets.map((socket) => socket.closed()));
      for (const socket of sockets) socket.end();
    }
  },
  "messages that never end": async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => HostileSocket.upgraded(url)));
    for (const socket of sockets) {
      socket.write(frame(OP.binary, written(MSGPACK, { ...hello(), token: newId() })));
      const half = frame(OP.binary, new Uint8Array(200_000)).subarray(0, 100_000);
      socket.write(half);
    }
    await until("all to be sent", () => sockets.every(({ socket }) => socket.writableLength === 0));
    for (const socket of sockets) socket.end();
  },
  "questions whose answers are never read": async () => {
    const client = await WireClient.open(url, { subProtocol: JSON_TEXT });
    client.socket.send(text(hello()));
    client.socket.pause();
    const hundred = text(new Array(100).fill({ type: "nothing", ref: 1, padding: "x".repeat(100) }));
    for (let i = 0; i < 400; i++) client.socket.send(hundred);
    await look();
    await client.drop();
  },
  "upgrades that are broken off": async () => {
    const request = upgradeRequest(url, { "Sec-WebSocket-Protocol": MSGPACK });
    for (let i = 0; i < 200; i++) {
      const socket = await HostileSocket.open(url);
      socket.write(request.slice(0, (request.length * i) / 200));
      if (i % 2 === 0) socket.socket.resetAndDestroy();
      else socket.end();
    }
  },
};

it.each(Object.entries(ATTACKS))("%s leave the memory flat", async (_, attack) => {
  const used: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await attack();
    if (round >= WARMING_UP) used.push(await atRest());
  }
  const growth = (Math.min(...used.slice(-2)) - Math.min(...used.slice(0, 2))) / (used.length - 2);
  expect(growth, `${used}`).toBeLessThan(NOISE);
  expect(server.exitCode).toBeNull();
});
