import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { port } from "./place.js";

/** The first start fetches archives, which may take minutes. */
const PATIENCE_MS = 10 * 60_000;

let tail: Promise<unknown> = Promise.resolve();

/**
 * Runs one at a time, among all processes that use this set. The lock is a listening port: it goes with its process,
 * however that ends, so none is ever left behind.
 */
export function locked<T>(work: () => Promise<T>): Promise<T> {
  const turn = tail.then(() => withPort(work));
  tail = turn.catch(() => {});
  return turn;
}

async function withPort<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    server.listen(port(39), "127.0.0.1");
    try {
      await once(server, "listening");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE" || performance.now() > deadline) {
        throw new Error(`Port ${port(39)}, which locks the services, can't be had.`, { cause });
      }
      await pause(50);
      continue;
    }
    try {
      return await work();
    } finally {
      server.close();
    }
  }
}
