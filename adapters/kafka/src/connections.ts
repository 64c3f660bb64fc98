import { type API, Connection } from "@platformatic/kafka";
import { codeOf } from "./failure.js";
import type { KafkaClientOptions } from "./options.js";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Connections of one purpose, one for each broker: what may block there (a long poll, a join that waits for others)
 * blocks nothing else. A connection on which a request came to no answer isn't used again.
 */
export class Connections {
  readonly #options: KafkaClientOptions;
  readonly #requestTimeout: number;
  readonly #open = new Map<string, Promise<Connection>>();
  #closed = false;

  /** @param requestTimeout milliseconds that a broker may take to answer */
  constructor(options: KafkaClientOptions, requestTimeout: number) {
    this.#options = options;
    this.#requestTimeout = requestTimeout;
  }

  /** Asks one broker. Rejects with what it answered, or with what kept it from answering. */
  async ask<Arguments extends unknown[], Answer>(
    { host, port }: Address,
    api: API<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer> {
    const connecting = this.#connection({ host, port });
    try {
      return await api.async(await connecting, ...args);
    } catch (error) {
      if (codeOf(error) === null) this.#drop(`${host}:${port}`, connecting);
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    for (const [key, connecting] of this.#open) this.#drop(key, connecting);
  }

  #connection({ host, port }: Address): Promise<Connection> {
    if (this.#closed) return Promise.reject(new Error("The connections were closed."));
    const key = `${host}:${port}`;
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const { clientId = "sentseen", bootstrapBrokers: _, ...options } = this.#options;
    const connection = new Connection(clientId, {
      connectTimeout: 5_000,
      maxInflights: 64,
      requestTimeout: this.#requestTimeout,
      ...options,
    });
    // Whoever asks learns of it; the event has nobody else to tell.
    connection.on("error", () => {});
    const connecting = Promise.resolve(connection.connect(host, port)).then(() => connection);
    connection.on("close", () => this.#drop(key, connecting));
    this.#open.set(key, connecting);
    connecting.catch(() => this.#drop(key, connecting));
    return connecting;
  }

  #drop(key: string, connecting: Promise<Connection>): void {
    if (this.#open.get(key) !== connecting) return;
    this.#open.delete(key);
    connecting.then(
      (connection) => connection.socket?.destroy(),
      () => {},
    );
  }
}
