import { type ChatServer, type ChatServerOptions, createChatServer, developmentAuth, type Placed } from "sentseen";
import { afterEach } from "vitest";
import { until } from "../../../src/testing/until.js";
import { DURABLE_LOG, type Parts, type Place, type Store } from "./stores.js";
import { type Hello, type SocketOptions, WireClient } from "./wire-client.js";

type Options = Partial<ChatServerOptions>;

export interface HouseOptions extends Options {
  readonly store?: Store;
}

/** A server under test with its store and its clients. */
export class House {
  readonly errors: unknown[] = [];
  private readonly clients: WireClient[] = [];

  private constructor(
    private readonly place: Place,
    private readonly options: Options,
    public server: ChatServer,
    public url: string,
  ) {}

  static async open({ store = DURABLE_LOG, ...options }: HouseOptions): Promise<House> {
    const place = await store.place();
    const { server, url } = await serve(place.parts(), options);
    return new House(place, options, server, url).listening();
  }

  private listening(): this {
    this.server.on("error", (error) => this.errors.push(error));
    return this;
  }

  /** The parts that the server runs on, to look into. */
  get parts(): Parts {
    return this.place.parts();
  }

  /** A client that is let in and has got what it missed. */
  async client(hello: Hello | string, options?: SocketOptions): Promise<WireClient> {
    return this.keep(await WireClient.connect(this.url, typeof hello === "string" ? { user: hello } : hello, options));
  }

  /** A socket that hasn't said hello. */
  async socket(options?: SocketOptions): Promise<WireClient> {
    return this.keep(await WireClient.open(this.url, options));
  }

  private keep(client: WireClient): WireClient {
    this.clients.push(client);
    return client;
  }

  /** Makes a group, its owner first. */
  group(owner: string, users: readonly string[], name = "group"): Promise<Placed> {
    return this.server.createGroup({ owner, users, name });
  }

  /** Resolves when everything that happened so far is written. */
  async settled(): Promise<void> {
    await until("a flush of everything", () => {
      const { applied, checkpoint, pending_entries } = this.server.stats();
      return applied === checkpoint && pending_entries === 0;
    });
  }

  /** Closes the server and starts another one on the same store. */
  async restart(options: Options = {}): Promise<void> {
    await this.server.close();
    const { server, url } = await serve(this.place.parts(), { ...this.options, ...options });
    this.server = server;
    this.url = url;
    this.listening();
  }

  async close(): Promise<void> {
    for (const { socket } of this.clients) socket.terminate();
    await this.server.close();
    await this.place.end();
  }
}

async function serve(parts: Parts, options: Options): Promise<{ server: ChatServer; url: string }> {
  const server = createChatServer({ ...parts, authenticate: developmentAuth(), flushMs: 20, ...options });
  const { url } = await server.listen({ port: 0 });
  return { server, url };
}

const open = new Set<House>();

afterEach(async () => {
  const houses = [...open];
  open.clear();
  await Promise.all(houses.map((house) => house.close()));
});

/** Opens a house that is closed after the test. */
export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const house = await House.open(options);
  open.add(house);
  return house;
}
