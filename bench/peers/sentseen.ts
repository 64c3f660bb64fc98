import { lmdb } from "@sentseen/lmdb";
import { createChatServer } from "sentseen";
import { memory } from "sentseen/memory";
import { serverOptions, serving } from "./serving.js";

// The product as it is installed: the built package, the embedded store with every commit synced, all defaults. Only
// the rate limit is lifted, which a load generator would meet at once.

export interface SentseenOptions {
  readonly directory: string;
}

const { directory } = serverOptions<SentseenOptions>();
const chat = createChatServer({
  ...memory(),
  ...lmdb({ directory }),
  authenticate: async ({ token }) => ({ user: token }),
  rate: { per_second: 1_000_000, burst: 1_000_000 },
});
chat.on("error", (error) => {
  throw error;
});
const { port } = await chat.listen({ port: 0, host: "127.0.0.1" });
serving(port, async () => {
  await chat.close();
});
