import { ChatError } from "sentseen/ports";
import type { Dial } from "./connection.js";
import { type IoredisClient, type IoredisCluster, ioredisDial } from "./ioredis.js";
import { type NodeRedisClient, type NodeRedisCluster, nodeRedisDial } from "./node-redis.js";

/** A client of `ioredis` or of `redis`, for one server or for a cluster. */
export type RedisClient = IoredisClient | IoredisCluster | NodeRedisClient | NodeRedisCluster;

/** How to connect the way the client does. Which library it is of is seen by what it can do. */
export function dialWith(client: RedisClient): Dial {
  if (typeof client === "object" && client !== null) {
    if ("isCluster" in client && ("callBuffer" in client || "nodes" in client)) return ioredisDial(client);
    if ("sendCommand" in client && ("sSubscribe" in client || "nodeClient" in client)) {
      return nodeRedisDial(client as NodeRedisClient | NodeRedisCluster);
    }
  }
  throw new ChatError("config", "client must be a client of ioredis (5.4 or later) or of redis (5 or later).", {
    field: "client",
  });
}
