import type { ChatServerOptions } from "sentseen";

const { env } = process;

/** What differs between one process and the next, from the environment. */
export const settings = {
  roles: (env.ROLES ?? "gateway,messages,delivery").split(",") as NonNullable<ChatServerOptions["roles"]>,
  port: Number(env.PORT ?? 8080),
  /** At least 32 bytes, the same in all processes. Whoever signs tokens has it too. */
  secret: env.JWT_SECRET ?? "",
  redis: env.REDIS_URL ?? "redis://127.0.0.1:6379",
  prefix: env.PREFIX ?? "chat",
  kafka: {
    client: { bootstrapBrokers: (env.KAFKA ?? "127.0.0.1:9092").split(",") },
    prefix: env.PREFIX ?? "chat",
    /** The most processes of a role that share the work. Hard to change: choose several times what you need. */
    partitions: Number(env.PARTITIONS ?? 24),
    /** One more with every change of `partitions`. */
    generation: Number(env.GENERATION ?? 1),
    /** Three in production. */
    replicas: Number(env.REPLICAS ?? 1),
  },
  cassandra: {
    contactPoints: (env.CASSANDRA ?? "127.0.0.1:9042").split(","),
    dataCenter: env.DATA_CENTER ?? "datacenter1",
    keyspace: env.KEYSPACE ?? "chat",
    replication: { [env.DATA_CENTER ?? "datacenter1"]: Number(env.REPLICAS ?? 1) },
  },
  /** Milliseconds over which clients come back when a gateway goes. */
  spreadMs: Number(env.SPREAD_MS ?? 5_000),
};
