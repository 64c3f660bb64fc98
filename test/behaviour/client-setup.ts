import { afterEach } from "vitest";
import {
  type ChatClient,
  type ChatClientOptions,
  type ChatEntry,
  type ChatError,
  type ChatMessage,
  type ChatState,
  createChatClient,
  type Gap,
  memoryStore,
} from "../../src/client/index.js";
import { FakeServer } from "./client-fake-server.js";
import { Wire } from "./client-fake-socket.js";

const open: ChatClient[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});

/** What a client told, in order. */
export interface Told {
  readonly client: ChatClient;
  readonly wire: Wire;
  readonly entries: ChatEntry[];
  readonly statuses: ChatMessage[];
  readonly states: ChatState[];
  readonly reasons: (ChatError | undefined)[];
  readonly errors: ChatError[];
  readonly gaps: Gap[];
}

/** A client of a fake server, with everything it tells. Its back-off is so short that no test waits for it. */
export function clientOf(server: FakeServer, token: string, options: Partial<ChatClientOptions> = {}): Told {
  const wire = new Wire(server);
  const client = createChatClient({
    url: "ws://fake",
    token,
    store: memoryStore(),
    webSocket: wire.webSocket,
    random: () => 0.001,
    ...options,
  });
  open.push(client);
  return listenTo(client, wire);
}

export function listenTo(client: ChatClient, wire: Wire): Told {
  const told: Told = { client, wire, entries: [], statuses: [], states: [], reasons: [], errors: [], gaps: [] };
  client.on("message", (message) => told.entries.push(message));
  client.on("change", (change) => told.entries.push(change));
  client.on("status", (message) => told.statuses.push(message));
  client.on("state", (state, reason) => {
    told.states.push(state);
    told.reasons.push(reason);
  });
  client.on("error", (error) => told.errors.push(error));
  client.on("gap", (gap) => told.gaps.push(gap));
  return told;
}

/** A client that is online, and its server. */
export async function online(
  token: string,
  options: Partial<ChatClientOptions> = {},
  server = new FakeServer(),
): Promise<Told & { readonly server: FakeServer }> {
  const told = clientOf(server, token, options);
  await told.client.connect();
  return { ...told, server };
}

/** The texts of messages, in the order in which they were told. */
export function texts(entries: readonly ChatEntry[]): string[] {
  return entries.flatMap((entry) => (entry.type === "message" ? entry.text : []));
}
