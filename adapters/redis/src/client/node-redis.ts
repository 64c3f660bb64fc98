import { type Address, buffersOf, type Connection, type ConnectionEvents, type Dial } from "./connection.js";
import { Template } from "./template.js";

/** What is used of a client of the `redis` package. */
export interface NodeRedisClient {
  readonly options?: { readonly socket?: object };
  duplicate(override: object): NodeRedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>;
  sSubscribe(channel: string, listener: (bytes: Buffer, channel: Buffer) => void, buffers: true): Promise<void>;
  sUnsubscribe(channel: string): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: the arguments differ by event
  on(event: string, listener: (...args: any[]) => void): unknown;
}

/** What is used of a cluster client of the `redis` package: its nodes carry the password, the certificates and so on. */
export interface NodeRedisCluster {
  readonly isOpen: boolean;
  readonly masters: readonly object[];
  duplicate(): NodeRedisCluster;
  connect(): Promise<unknown>;
  destroy(): void;
  nodeClient(node: object): Promise<NodeRedisClient>;
  // biome-ignore lint/suspicious/noExplicitAny: the arguments differ by event
  on(event: string, listener: (...args: any[]) => void): unknown;
}

/** The library's number for strings of the protocol, which are to come as Buffers. */
const STRINGS_AS_BUFFERS = { typeMapping: { 36: Buffer } };

export function nodeRedisDial(client: NodeRedisClient | NodeRedisCluster): Dial {
  const template = "nodeClient" in client ? new Template(() => templateOf(client)) : new Template(async () => client);
  return (address, timeoutMs, events) => template.use(timeoutMs, (redis) => connect(redis, address, timeoutMs, events));
}

async function connect(
  template: NodeRedisClient,
  address: Address | null,
  timeoutMs: number,
  events: ConnectionEvents,
): Promise<Connection> {
  const socket = { ...template.options?.socket, ...address, connectTimeout: timeoutMs, reconnectStrategy: false };
  // A url would be taken again in place of the address.
  const redis = template.duplicate({ ...(address !== null && { url: undefined }), socket, disableOfflineQueue: true });
  redis.on("error", () => events.down());
  redis.on("end", () => events.down());
  // The slot of one of the channels went to another server.
  redis.on("sharded-channel-moved", () => events.down());
  // A server may accept the connection and say nothing.
  const timer = setTimeout(() => destroy(redis), timeoutMs);
  try {
    await redis.connect();
  } catch (error) {
    destroy(redis);
    throw error;
  } finally {
    clearTimeout(timer);
  }
  const message = (bytes: Buffer, channel: Buffer) => events.message(channel.toString(), bytes);
  return {
    call: (args) => redis.sendCommand(buffersOf(args), STRINGS_AS_BUFFERS),
    subscribe: (channel) => redis.sSubscribe(channel, message, true),
    unsubscribe: (channel) => redis.sUnsubscribe(channel),
    close: () => destroy(redis),
  };
}

/** A node of the cluster to make others after. The user's own is opened by the user, or not at all. */
async function templateOf(cluster: NodeRedisCluster): Promise<NodeRedisClient> {
  if (cluster.isOpen) return nodeOf(cluster);
  const own = cluster.duplicate();
  own.on("error", () => {});
  try {
    await own.connect();
    return await nodeOf(own);
  } finally {
    own.destroy();
  }
}

async function nodeOf(cluster: NodeRedisCluster): Promise<NodeRedisClient> {
  const [master] = cluster.masters;
  if (master === undefined) throw new Error("The cluster client knows no master.");
  return cluster.nodeClient(master);
}

/** The library throws where it is closed already. */
function destroy(redis: NodeRedisClient): void {
  try {
    redis.destroy();
  } catch {
    // It is closed.
  }
}
