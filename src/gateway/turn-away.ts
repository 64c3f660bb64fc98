import type { Duplex } from "node:stream";

/** Answers an upgrade request that isn't taken, and lets go of the socket, whether or not its other end does. */
export function turnAway(socket: Duplex, response: string): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(response);
}
