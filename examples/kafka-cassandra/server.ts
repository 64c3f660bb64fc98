import { createServer } from "node:http";
import { cassandra } from "@sentseen/cassandra";
import { kafka } from "@sentseen/kafka";
import { redis } from "@sentseen/redis";
import { Redis } from "ioredis";
import { createChatServer, jwtAuth } from "sentseen";
import { settings } from "./settings.js";

const { registry, rateLimiter } = redis({
  client: new Redis(settings.redis, { lazyConnect: true }),
  prefix: settings.prefix,
});

/** One process of a deployment whose roles scale apart: `ROLES` says which of them it has. */
const chat = createChatServer({
  registry, // who is connected where
  rateLimiter, // what each user may do on all gateways
  ...kafka(settings.kafka), // the queue
  ...cassandra(settings.cassandra), // messages
  roles: settings.roles,
  authenticate: jwtAuth({ secret: settings.secret }), // or yours: async ({ token }) => ({ user: "alice" })
});
chat.on("error", (error) => console.error(error));
await chat.start();

// Every process answers its health check; only gateways take connections.
const http = createServer((_request, response) => response.end(`${settings.roles.join(", ")}\n`));
if (settings.roles.includes("gateway")) chat.attach(http);
http.listen(settings.port, () => console.log(`ready on port ${settings.port}`));

process.once("SIGTERM", async () => {
  http.close();
  await chat.close({ spreadMs: settings.spreadMs });
});
