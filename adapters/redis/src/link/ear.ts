import type { Address, Connection } from "../client/connection.js";
import { unavailable } from "./failure.js";
import type { Servers } from "./servers.js";
import { within } from "./within.js";

export interface EarEvents {
  /** No message comes any more. Called once, and not for `close`. */
  down(): void;
  message(channel: string, bytes: Uint8Array): void;
}

/** A connection that is subscribed to channels of one server. */
export class Ear {
  readonly #servers: Servers;
  readonly #events: EarEvents;
  readonly #connecting: Promise<Connection>;
  #ended = false;

  constructor(servers: Servers, address: Address | null, events: EarEvents) {
    this.#servers = servers;
    this.#events = events;
    this.#connecting = this.#connect(address);
    this.#connecting.catch(() => this.cut());
  }

  /** Rejects with `store_unavailable`, within the deadline; the ear is cut then. */
  async subscribe(channel: string): Promise<void> {
    await this.#do(`Subscribing to ${channel}`, (connection) => connection.subscribe(channel));
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#do(`Unsubscribing from ${channel}`, (connection) => connection.unsubscribe(channel));
  }

  /** Ends it and says so, where nobody knows yet. */
  cut(): void {
    if (this.#ended) return;
    this.close();
    this.#events.down();
  }

  close(): void {
    this.#ended = true;
    this.#connecting.then(
      (connection) => connection.close(),
      () => {},
    );
  }

  async #connect(address: Address | null): Promise<Connection> {
    const { dial, deadlineMs } = this.#servers;
    return dial(address, deadlineMs, {
      down: () => this.cut(),
      message: (channel, bytes) => {
        if (!this.#ended) this.#events.message(channel, bytes);
      },
    });
  }

  async #do(what: string, act: (connection: Connection) => Promise<void>): Promise<void> {
    try {
      await within(this.#connecting.then(act), this.#servers.deadlineMs, what);
    } catch (error) {
      this.cut();
      throw unavailable(what, error);
    }
  }
}
