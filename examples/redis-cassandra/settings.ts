const { env } = process;

/** What differs between one deployment and the next, from the environment. */
export const settings = {
  port: Number(env.PORT ?? 8080),
  /** At least 32 bytes, the same on all nodes. Whoever signs tokens has it too. */
  secret: env.JWT_SECRET ?? "",
  redis: env.REDIS_URL ?? "redis://127.0.0.1:6379",
  queue: {
    prefix: env.PREFIX ?? "chat",
    /** The most nodes that share the work. Hard to change: choose several times what you need. */
    partitions: Number(env.PARTITIONS ?? 16),
  },
  cassandra: {
    contactPoints: (env.CASSANDRA ?? "127.0.0.1:9042").split(","),
    dataCenter: env.DATA_CENTER ?? "datacenter1",
    keyspace: env.KEYSPACE ?? "chat",
    /** Three in production. */
    replication: { [env.DATA_CENTER ?? "datacenter1"]: Number(env.REPLICAS ?? 1) },
  },
  /** Milliseconds over which clients come back when a node goes. */
  spreadMs: Number(env.SPREAD_MS ?? 5_000),
};
