import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { serverOptions, serving } from "./serving.js";

// The measures of broadcast: a message goes to every other socket of its group and an ack to its sender, stored
// nowhere. Either ws.send to each, or the frame made once and its bytes written to each socket past ws.

export interface FanOutOptions {
  readonly framed: boolean;
}

type Framed = WebSocket & { readonly _socket: Socket };

const { framed } = serverOptions<FanOutOptions>();
const groups = new Map<string, Set<WebSocket>>();
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, clientTracking: false });

/** An unmasked binary frame of 126 to 65,535 bytes. */
function frame(data: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(data.length + 4);
  bytes[0] = 0x82;
  bytes[1] = 126;
  bytes.writeUInt16BE(data.length, 2);
  data.copy(bytes, 4);
  return bytes;
}

server.on("connection", (socket, request) => {
  const name = new URLSearchParams(request.url?.slice(2)).get("group") ?? "";
  const members = groups.get(name) ?? new Set();
  groups.set(name, members.add(socket));
  socket.on("close", () => members.delete(socket));
  socket.on("message", (data: Buffer) => {
    const bytes = framed ? frame(data) : data;
    for (const member of members) {
      if (member === socket) continue;
      if (framed) (member as Framed)._socket.write(bytes);
      else member.send(bytes);
    }
    socket.send(data.subarray(0, 4));
  });
});
server.on("listening", () => {
  serving((server.address() as AddressInfo).port, () => server.close());
});
