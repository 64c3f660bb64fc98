import { createChatServer } from "sentseen";
import { memory } from "sentseen/memory";

// Run as a process of its own, with --expose-gc: a server that tells its parent, when asked, how much memory it uses
// and how many connections it has.

const chat = createChatServer({ ...memory(), authenticate: ({ token }) => ({ user: token }), flushMs: 50 });
let errors = 0;
chat.on("error", () => errors++);
const { url } = await chat.listen({ port: 0 });

process.on("message", () => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  process.send?.({ bytes: heapUsed + arrayBuffers, connections: chat.stats().connections, errors });
});
process.on("disconnect", () => process.exit());
process.send?.({ url });
