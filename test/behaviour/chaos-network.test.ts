import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { holds, pause } from "../chaos/deadline.js";
import { FaultyProxy } from "../chaos/proxy.js";

// The tools of the chaos runner are tested too: a fault that doesn't happen proves nothing.

let server: Server;
let proxy: FaultyProxy;
let accepted: Socket[];
let heard: string;

beforeEach(async () => {
  accepted = [];
  heard = "";
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on("data", (data) => {
      heard += data;
      socket.write(data);
    });
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await FaultyProxy.open((server.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy.close();
  for (const socket of accepted) socket.destroy();
  server.close();
});

interface Client {
  readonly socket: Socket;
  text: string;
  gone: boolean;
}

async function client(): Promise<Client> {
  const socket = connect(proxy.port, "127.0.0.1");
  const made: Client = { socket, text: "", gone: false };
  socket.on("data", (data) => {
    made.text += data;
  });
  socket.on("close", () => {
    made.gone = true;
  });
  socket.on("error", () => {});
  socket.write("hello");
  await holds(() => made.text === "hello");
  return made;
}

describe("the faulty network", () => {
  it("passes bytes on in both directions, and the end of them", async () => {
    const one = await client();
    expect(one.text).toBe("hello");
    one.socket.end();
    expect(await holds(() => one.gone && accepted[0]?.destroyed === true)).toBe(true);
  });

  it("cuts connections on both sides, and takes new ones", async () => {
    const one = await client();
    proxy.cut();
    expect(await holds(() => one.gone && accepted[0]?.destroyed === true)).toBe(true);
    expect((await client()).text).toBe("hello");
  });

  it("freezes connections without either side being told, and takes new ones", async () => {
    const one = await client();
    proxy.freeze();
    one.socket.write(" and nothing");
    accepted[0]?.write("nothing either");
    await pause(50);
    expect(heard).toBe("hello");
    expect([one.text, one.gone, accepted[0]?.destroyed]).toEqual(["hello", false, false]);
    expect((await client()).text).toBe("hello");
    proxy.heal();
    expect(await holds(() => one.gone && accepted[0]?.destroyed === true)).toBe(true);
  });

  it("abandons connections: the client sees them end, the server doesn't", async () => {
    const one = await client();
    proxy.abandon();
    expect(await holds(() => one.gone)).toBe(true);
    await pause(50);
    expect(accepted[0]?.destroyed).toBe(false);
  });

  it("deafens connections: what the client sends arrives, no answer does", async () => {
    const one = await client();
    proxy.deafen();
    one.socket.write(" and more");
    expect(await holds(() => heard === "hello and more")).toBe(true);
    await pause(50);
    expect([one.text, one.gone]).toEqual(["hello", false]);
  });

  it("is slow for a while: nothing is lost, and it stops the server from sending on", async () => {
    const one = await client();
    proxy.slow(300);
    const [socket] = accepted as [Socket];
    const bytes = 32 * 1_048_576;
    expect(socket.write(Buffer.alloc(bytes, "x"))).toBe(false);
    await pause(100);
    expect(one.text).toBe("hello");
    expect(socket.writableLength).toBeGreaterThan(0);
    expect(await holds(() => one.text.length === "hello".length + bytes)).toBe(true);
  });

  it("goes to where the server is now", async () => {
    const other = createServer((socket) => socket.on("error", () => {}).end("another"));
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    proxy.targets = [(other.address() as AddressInfo).port];
    const socket = connect(proxy.port, "127.0.0.1");
    socket.on("error", () => {});
    const [data] = await once(socket, "data");
    expect(String(data)).toBe("another");
    other.close();
  });

  it("goes nowhere while no server is meant to be there, though the port has another by then", async () => {
    proxy.targets = [null];
    const socket = connect(proxy.port, "127.0.0.1");
    socket.on("error", () => {});
    expect(await holds(() => socket.destroyed)).toBe(true);
    expect(accepted).toHaveLength(0);
  });

  it("ends a connection whose server isn't there", async () => {
    server.close();
    for (const socket of accepted) socket.destroy();
    const socket = connect(proxy.port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "close");
    expect(socket.destroyed).toBe(true);
  });
});
