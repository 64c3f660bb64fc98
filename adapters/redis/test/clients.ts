import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import type { RedisClient } from "../src/index.js";

/** Both libraries, for one server and for a cluster. Nothing is connected before it is needed. */
export const libraries = {
  ioredis: {
    single: (port: number): RedisClient => new Redis({ host: "127.0.0.1", port, lazyConnect: true }),
    cluster: (nodes: { host: string; port: number }[]): { client: RedisClient; end(): void } => {
      const cluster = new Cluster(nodes, { lazyConnect: true });
      return { client: cluster, end: () => cluster.disconnect() };
    },
  },
  redis: {
    single: (port: number): RedisClient => createClient({ socket: { host: "127.0.0.1", port } }),
    cluster: (nodes: { host: string; port: number }[]): { client: RedisClient; end(): void } => ({
      client: createCluster({ rootNodes: nodes.map((socket) => ({ socket })) }),
      end: () => {},
    }),
  },
} as const;
