import { cassandra } from "@sentseen/cassandra";
import { kafka } from "@sentseen/kafka";
import { redis } from "@sentseen/redis";
import { Redis } from "ioredis";
import { type ChatServerOptions, createChatServer } from "sentseen";
import { serverOptions, serving } from "./serving.js";

// One node of several, as it is installed: built packages, all defaults but for the rate limit, which is lifted, and
// copies of one, since there is one server of each service.

export interface NodeOptions {
  /** Of keyspace, keys and topics, which are this bench's own. */
  readonly name: string;
  readonly roles: NonNullable<ChatServerOptions["roles"]>;
  readonly redis: { readonly host: string; readonly port: number };
  readonly cassandra: { readonly contactPoints: readonly string[]; readonly dataCenter: string };
  /** Absent where Redis is the queue as well. */
  readonly kafka?: { readonly bootstrapBrokers: readonly string[] };
}

const options = serverOptions<NodeOptions>();
const { name, roles } = options;
const { contactPoints, dataCenter } = options.cassandra;
const shared = {
  ...cassandra({ contactPoints: [...contactPoints], dataCenter, keyspace: name, replication: { [dataCenter]: 1 } }),
  ...redis({ client: new Redis({ ...options.redis, lazyConnect: true }), prefix: name }),
};
const queue =
  options.kafka === undefined
    ? {}
    : kafka({ client: { bootstrapBrokers: [...options.kafka.bootstrapBrokers] }, prefix: name, replicas: 1 });
const chat = createChatServer({
  ...shared,
  ...queue,
  roles,
  authenticate: async ({ token }) => ({ user: token }),
  rate: { per_second: 1_000_000, burst: 1_000_000 },
});
chat.on("error", (error) => console.error(error));
let port = 0;
if (roles.includes("gateway")) ({ port } = await chat.listen({ port: 0, host: "127.0.0.1" }));
else await chat.start();
serving(port, () => chat.close());
