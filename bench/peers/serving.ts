import { setTimeout as pause } from "node:timers/promises";

/** What a server process tells its parent. */
export type ServerMessage = { readonly port: number } | { readonly rss: number };
/** What it is asked. */
export type ServerRequest = "memory" | "stop";

/** The first argument: what the subject wants to know, as JSON. */
export function serverOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

/** Tells the port, answers how much memory is in use after garbage was collected, and ends when told. */
export function serving(port: number, stop: () => Promise<void> | void): void {
  process.on("message", async (request: ServerRequest) => {
    if (request === "memory") process.send?.({ rss: await settledMemory() });
    else {
      await stop();
      process.exit(0);
    }
  });
  process.send?.({ port });
}

/** Resident bytes once several collections, with time between for what they free, no longer find anything. */
async function settledMemory(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await pause(200);
  }
  return process.memoryUsage.rss();
}
