import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { serving } from "./serving.js";

// The measure of the relay: a relay on plain ws that forwards to the receiver and acks to the sender, and does nothing
// else. No store, no identity beyond the query, no limits, no heartbeat.

const users = new Map<string, WebSocket>();
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, clientTracking: false });

server.on("connection", (socket, request) => {
  const query = new URLSearchParams(request.url?.slice(2));
  const user = query.get("user") ?? "";
  const to = query.get("to");
  users.set(user, socket);
  socket.on("close", () => users.delete(user));
  socket.on("message", (data: Buffer) => {
    const receiver = users.get(to ?? "");
    if (receiver?.readyState === WebSocket.OPEN) receiver.send(data);
    socket.send(data.subarray(0, 4));
  });
});
server.on("listening", () => {
  serving((server.address() as AddressInfo).port, () => server.close());
});
