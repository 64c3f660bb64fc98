import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "socket.io";
import { serving } from "./serving.js";

// Socket.IO as its users run it, with what costs and isn't wanted here turned off: WebSocket only, no deflate (its
// default), no client served. Delivery goes straight to the receiver's socket, which is quicker than through a room.

const users = new Map<string, Socket>();
const http = createServer();
const server = new Server(http, { transports: ["websocket"], serveClient: false });

server.on("connection", (socket) => {
  const { user, to } = socket.handshake.query as { user: string; to?: string };
  users.set(user, socket);
  socket.on("disconnect", () => users.delete(user));
  if (to === undefined) return;
  socket.on("m", (content: string, acknowledge: () => void) => {
    users.get(to)?.emit("m", content);
    acknowledge();
  });
});
http.listen(0, "127.0.0.1", () => {
  serving((http.address() as AddressInfo).port, () => server.close());
});
