import { type Address, buffersOf, type Connection, type ConnectionEvents, type Dial } from "./connection.js";

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
  connect(): Promise<void>;
  nodes(role: "all"): IoredisClient[];
  // biome-ignore lint/suspicious/noExplicitAny: the arguments differ by event
  once(event: string, listener: (...args: any[]) => void): unknown;
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
  return async (address, timeoutMs, events) => {
    const template = "nodes" in client ? await someNode(client) : client;
    return connect(template, address, timeoutMs, events);
  };
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
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw failure ?? error;
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

async function someNode(cluster: IoredisCluster): Promise<IoredisClient> {
  if (cluster.status === "wait") await cluster.connect();
  const [node] = cluster.nodes("all");
  if (node !== undefined) return node;
  await new Promise<void>((resolve) => cluster.once("ready", resolve));
  const [found] = cluster.nodes("all");
  if (found === undefined) throw new Error("The ioredis Cluster knows no node.");
  return found;
}
