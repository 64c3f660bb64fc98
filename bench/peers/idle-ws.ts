import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { serving } from "./serving.js";

// The measure of idle memory: ws with a listener on each connection and nothing kept beside.

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, clientTracking: false });
const ignore = (): void => {};

server.on("connection", (socket) => {
  socket.on("message", ignore);
});
server.on("listening", () => {
  serving((server.address() as AddressInfo).port, () => server.close());
});
