import { once } from "node:events";
import { connect } from "node:net";
import { memory } from "sentseen/memory";
import { describe, expect, it } from "vitest";
import { createChatServer, developmentAuth } from "../../src/index.js";

// Sockets whose other end never closes: behind a dead network, or out of malice.

async function listening() {
  const chat = createChatServer({ ...memory(), authenticate: developmentAuth() });
  const { port } = await chat.listen({ port: 0 });
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  return { chat, socket };
}

describe("a server closes in time", () => {
  it("though somebody it turned away holds on", async () => {
    const { chat, socket } = await listening();
    socket.write("GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1.1 404/);
    await chat.close();
    socket.destroy();
  });

  it("though somebody connected and never asked for anything", async () => {
    const { chat, socket } = await listening();
    await chat.close();
    socket.destroy();
  });
});
