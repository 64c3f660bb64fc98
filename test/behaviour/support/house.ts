import { type ChatServer, type ChatServerOptions, createChatServer, developmentAuth, type Placed } from "sentseen";
import { afterEach } from "vitest";
import { until } from "../../../src/testing/until.js";
import { type Around, intercept } from "./intercept.js";
import { DURABLE_LOG, type Parts, type Place, type Store } from "./stores.js";
import { type Hello, type SocketOptions, WireClient } from "./wire-client.js";

export interface HouseOptions extends Partial<ChatServerOptions> {
  readonly store?: Store;
  /** What every call of the storage or the queue passes. */
  readonly aroundStorage?: Around;
  readonly aroundQueue?: Around;
}

/** A server under test with its store and its clients. */
export class House {
  /** What the server reported as errors. */
  readonly errors: unknown[] = [];
  server!: ChatServer;
  /** The parts that the server runs on, to look into. */
  parts!: Parts;
  url = "";
  private sweeps = 0;
  private readonly clients: WireClient[] = [];

  private constructor(
    private readonly place: Place,
    private options: HouseOptions,
  ) {}

  static async open(options: HouseOptions): Promise<House> {
    const house = new House(await (options.store ?? DURABLE_LOG).place(), options);
    await house.serve();
    return house;
  }

  private async serve(): Promise<void> {
    const { store: _, aroundStorage, aroundQueue, ...options } = this.options;
    this.parts = this.place.parts();
    const { storage, queue, registry } = this.parts;
    this.server = createChatServer({
      storage: intercept(storage, this.countSweeps(aroundStorage ?? ((_method, _args, run) => run()))),
      queue: aroundQueue === undefined ? queue : intercept(queue, aroundQueue),
      registry,
      authenticate: developmentAuth(),
      flushMs: 20,
      ...options,
    });
    this.server.on("error", (error) => this.errors.push(error));
    this.url = (await this.server.listen({ port: 0 })).url;
  }

  private countSweeps(around: Around): Around {
    return async (method, args, run) => {
      const result = await around(method, args, run);
      if (method === "sweep" && result === true) this.sweeps++;
      return result;
    };
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

  /** Resolves when every record so far is written. */
  async settled(): Promise<void> {
    await until("a flush of everything", () => {
      const { applied, checkpoint, pending_entries } = this.server.stats();
      return applied === checkpoint && pending_entries === 0;
    });
  }

  /** Resolves when storage was looked through for what has expired, from now on. Wants a small `sweepMs`. */
  async swept(): Promise<void> {
    const from = this.sweeps;
    await until("two whole sweeps", () => this.sweeps >= from + 2);
  }

  /** Closes the server and starts another one on the same store. */
  async restart(options: HouseOptions = {}): Promise<void> {
    await this.server.close();
    this.options = { ...this.options, ...options };
    await this.serve();
  }

  async close(): Promise<void> {
    for (const { socket } of this.clients) socket.terminate();
    await this.server.close();
    await this.place.end();
  }
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
