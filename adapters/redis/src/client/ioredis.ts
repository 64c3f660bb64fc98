import { type Address, buffersOf, type Connection, type ConnectionEvents, type Dial } from "./connection.js";
import { Template } from "./template.js";

/** What is used of ioredis' `Redis`. */
export interface IoredisClient {
  readonly isCluster: boolean;
  duplicate(override: object): IoredisClient;
  connect(): Promise<void>;
  disconnect(): void;
  callBuffer(command: string, ...args: (string | Buffer)[]): Promise<unknown>;
  ssubscribe(channel: string): Promise<unknown>;
  sunsubscribe(channel: string): Promise<unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: the arguments differ by event
  on(event: string, listener: (...args: any[]) => void): unknown;
}

/** What is used of ioredis' `Cluster`: its nodes carry the password, the certificates and so on. */
export interface IoredisCluster {
  readonly isCluster: boolean;
  readonly status: string;
  duplicate(startupNodes: [], override: object): IoredisCluster;
  connect(): Promise<void>;
  disconnect(): void;
  nodes(role: "all"): IoredisClient[];
  // biome-ignore lint/suspicious/noExplicitAny: the arguments differ by event
  on(event: string, listener: (...args: any[]) => void): unknown;
}

/** Nothing is tried again, kept or resent by the library. */
const PLAIN = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: null,
  retryStrategy: null,
  reconnectOnError: null,
  commandTimeout: undefined,
  keyPrefix: "",
  readOnly: false,
};

export function ioredisDial(client: IoredisClient | IoredisCluster): Dial {
  const template = "nodes" in client ? new Template(() => nodeOf(client)) : new Template(async () => client);
  return (address, timeoutMs, events) => template.use(timeoutMs, (redis) => connect(redis, address, timeoutMs, events));
}

async function connect(
  template: IoredisClient,
  address: Address | null,
  timeoutMs: number,
  events: ConnectionEvents,
): Promise<Connection> {
  const redis = template.duplicate({ ...PLAIN, ...address, connectTimeout: timeoutMs });
  let failure: unknown;
  redis.on("error", (error) => {
    failure = error;
  });
  redis.on("end", () => events.down());
  // The slot of one of the channels went to another server.
  redis.on("moved", () => events.down());
  redis.on("smessageBuffer", (channel: Buffer, bytes: Buffer) => events.message(channel.toString(), bytes));
  // A server may accept the connection and say nothing.
  const timer = setTimeout(() => redis.disconnect(), timeoutMs);
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw failure ?? error;
  } finally {
    clearTimeout(timer);
  }
  return {
    call: (args) => {
      const [command = "", ...rest] = buffersOf(args);
      return redis.callBuffer(String(command), ...rest);
    },
    subscribe: async (channel) => {
      await redis.ssubscribe(channel);
    },
    unsubscribe: async (channel) => {
      await redis.sunsubscribe(channel);
    },
    close: () => redis.disconnect(),
  };
}

/** A node of the cluster to make others after. The user's own cluster is opened by the user, or not at all. */
async function nodeOf(cluster: IoredisCluster): Promise<IoredisClient> {
  const [known] = cluster.nodes("all");
  if (known !== undefined) return known;
  const own = cluster.duplicate([], { lazyConnect: true, clusterRetryStrategy: null });
  own.on("error", () => {});
  try {
    await own.connect();
    const [node] = own.nodes("all");
    if (node === undefined) throw new Error("The cluster has no node.");
    return node;
  } finally {
    own.disconnect();
  }
}
