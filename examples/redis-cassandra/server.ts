import { createServer } from "node:http";
import { cassandra } from "@sentseen/cassandra";
import { redis } from "@sentseen/redis";
import { Redis } from "ioredis";
import { createChatServer, jwtAuth } from "sentseen";
import { settings } from "./settings.js";

/** One of any number of equal nodes: start it once more, and the work is shared. */
const http = createServer((_request, response) => response.end("a node of the chat\n")); // or the server that you have
const chat = createChatServer({
  // Who is connected where, the queue, and what each user may do on all nodes.
  ...redis({ client: new Redis(settings.redis, { lazyConnect: true }), ...settings.queue }),
  ...cassandra(settings.cassandra), // the messages
  authenticate: jwtAuth({ secret: settings.secret }), // or yours: async ({ token }) => ({ user: "alice" })
});
chat.on("error", (error) => console.error(error));
chat.attach(http);
await chat.start();
http.listen(settings.port, () => console.log(`ready on port ${settings.port}`));

// The proxy sends nobody here any more once the port is closed; those who are connected come back elsewhere.
process.once("SIGTERM", async () => {
  http.close();
  await chat.close({ spreadMs: settings.spreadMs });
});
