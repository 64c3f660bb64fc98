import { type ChatServer, type ChatServerOptions, createChatServer, developmentAuth } from "sentseen";
import { memory } from "sentseen/memory";
import { onTestFinished } from "vitest";
import type { NodeSession } from "../../../src/ports/connection-registry.js";
import { type Around, intercept } from "./intercept.js";
import type { Parts } from "./stores.js";
import { type Hello, WireClient } from "./wire-client.js";

export interface NodesOptions {
  /** What each node does; as many nodes as there are entries. */
  readonly roles: readonly ChatServerOptions["roles"][];
  /** Whether the log keeps what it accepted. Default true. */
  readonly durable?: boolean;
  /** What every call of a node's session in the registry passes. */
  readonly aroundSession?: Around;
  /** What every call of the queue passes. */
  readonly aroundQueue?: Around;
  readonly options?: Partial<ChatServerOptions>;
}

export interface Node {
  readonly server: ChatServer;
  readonly errors: unknown[];
  /** Where clients connect; empty where the node takes none. */
  readonly url: string;
  client(hello: Hello | string): Promise<WireClient>;
}

interface OpenNode extends Node {
  close(): Promise<void>;
}

export interface Nodes {
  readonly parts: Parts;
  readonly all: readonly Node[];
  /** One more node with all roles. */
  join(): Promise<Node>;
}

/** Several servers in this process over the same parts, as nodes on several machines share theirs. */
export async function openNodes({ roles, durable = true, ...options }: NodesOptions): Promise<Nodes> {
  const parts = shared(memory({ durable, partitions: 4 }));
  await Promise.all(Object.values(parts).map((part) => part.open()));
  const all: OpenNode[] = [];
  const join = async (ofNode: ChatServerOptions["roles"]): Promise<Node> => {
    const node = await openNode(parts, ofNode, options);
    all.push(node);
    return node;
  };
  onTestFinished(async () => {
    // Gateways first: what they still have to tell wants somebody to tell it to.
    for (const node of all) await node.close();
  });
  for (const ofNode of roles) await join(ofNode);
  return { parts, all, join: () => join(undefined) };
}

/** Parts that stay open when one of those who share them closes. */
function shared(parts: Parts): Parts {
  const stay: Around = (method, _args, run) => (method === "close" ? Promise.resolve() : run());
  const { storage, queue, registry } = parts;
  return {
    storage: intercept(storage, stay),
    queue: intercept(queue, stay),
    registry: intercept(registry, stay),
  };
}

async function openNode(
  { storage, queue, registry }: Parts,
  roles: ChatServerOptions["roles"],
  { aroundSession = pass, aroundQueue = pass, options }: Omit<NodesOptions, "roles" | "durable">,
): Promise<OpenNode> {
  const errors: unknown[] = [];
  const server = createChatServer({
    storage,
    queue: intercept(queue, aroundQueue),
    registry: intercept(registry, async (method, _args, run) => {
      const answer = await run();
      return method === "join" ? intercept(answer as NodeSession, aroundSession) : answer;
    }),
    ...(roles !== undefined && { roles }),
    authenticate: developmentAuth(),
    flushMs: 20,
    ...options,
  });
  server.on("error", (error) => errors.push(error));
  const gateway = roles?.includes("gateway") ?? true;
  const url = gateway ? (await server.listen({ port: 0 })).url : "";
  if (!gateway) await server.start();
  const clients: WireClient[] = [];
  return {
    async close() {
      for (const { socket } of clients) socket.terminate();
      await server.close();
    },
    server,
    errors,
    url,
    async client(hello) {
      const client = await WireClient.connect(url, typeof hello === "string" ? { user: hello } : hello);
      clients.push(client);
      return client;
    },
  };
}

const pass: Around = (_method, _args, run) => run();
