import { ChatError } from "sentseen/ports";
import type { Address, Argument, Connection, Dial } from "../client/connection.js";
import { full, unavailable } from "./failure.js";

/** Between two attempts to connect, so that a server that refuses isn't asked thousands of times a second. */
const REDIAL_MS = 50;

/** Bytes of commands that may wait for their replies; beyond, calls are refused. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** What a command takes beside its bytes, about. */
const CALL_BYTES = 256;

export interface LineOptions {
  readonly dial: Dial;
  /** Null for where the user's client is made for. */
  readonly address: Address | null;
  /** After which a command that wasn't answered fails, and its connection is cut. */
  readonly deadlineMs: number;
  /** A connection that worked is gone. */
  onDown(): void;
}

/**
 * The way to one server: connects when there is something to say and again after it was cut. Commands go out in the
 * order of the calls and are sent once: what was under way when the connection ended fails.
 */
export class Line {
  readonly #options: LineOptions;
  #connection: Connection | null = null;
  #dialing: Promise<Connection> | null = null;
  #dialed = Number.NEGATIVE_INFINITY;
  #waitingBytes = 0;
  #closed = false;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** The server's reply. Rejects with the server's own error, or with `store_unavailable`. */
  call(args: readonly Argument[]): Promise<unknown> {
    return this.#bounded(args, (connection) => connection.call(args));
  }

  /** The same for a slot that is moving to this server. */
  callAsking(args: readonly Argument[]): Promise<unknown> {
    return this.#bounded(args, (connection) => {
      const asking = connection.call(["ASKING"]);
      asking.catch(() => {});
      return connection.call(args);
    });
  }

  /** Ends the connection; the next call makes another. */
  cut(): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#connection = null;
    connection.close();
    if (!this.#closed) this.#options.onDown();
  }

  close(): void {
    this.#closed = true;
    this.cut();
  }

  async #bounded(args: readonly Argument[], send: (connection: Connection) => Promise<unknown>): Promise<unknown> {
    const size = sizeOf(args);
    if (this.#waitingBytes + size > MAX_WAITING_BYTES) {
      throw full("As much as may wait for Redis waits", MAX_WAITING_BYTES);
    }
    this.#waitingBytes += size;
    try {
      return await this.#timed(send);
    } finally {
      this.#waitingBytes -= size;
    }
  }

  #timed(send: (connection: Connection) => Promise<unknown>): Promise<unknown> {
    const { deadlineMs } = this.#options;
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        // Whatever came behind it on this connection has no better chance, and a half-open path is found so.
        this.cut();
        reject(new ChatError("store_unavailable", `Redis did not answer within ${deadlineMs} ms.`));
      }, deadlineMs);
      const end = (settle: () => void) => {
        clearTimeout(timer);
        settle();
      };
      const go = (connection: Connection) => {
        if (late) return;
        send(connection).then(
          (reply) => end(() => resolve(reply)),
          (error: unknown) => end(() => reject(error)),
        );
      };
      if (this.#connection !== null) go(this.#connection);
      else this.#connect().then(go, (error: unknown) => end(() => reject(error)));
    });
  }

  #connect(): Promise<Connection> {
    this.#dialing ??= this.#dial().finally(() => {
      this.#dialing = null;
    });
    return this.#dialing;
  }

  async #dial(): Promise<Connection> {
    const { dial, address, deadlineMs, onDown } = this.#options;
    const pause = this.#dialed + REDIAL_MS - performance.now();
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    this.#dialed = performance.now();
    let connection: Connection | null = null;
    let down = false;
    const onConnectionDown = () => {
      down = true;
      if (connection === null || this.#connection !== connection) return;
      this.#connection = null;
      onDown();
    };
    try {
      connection = await dial(address, deadlineMs, { down: onConnectionDown, message: () => {} });
      if (this.#closed) {
        connection.close();
        throw new ChatError("closed", "The adapter is closed.");
      }
      if (down) throw new Error("the connection ended at once");
      this.#connection = connection;
      return connection;
    } catch (error) {
      throw unavailable(
        `Redis${address === null ? "" : ` at ${address.host}:${address.port}`} can't be reached`,
        error,
      );
    }
  }
}

function sizeOf(args: readonly Argument[]): number {
  let size = CALL_BYTES;
  for (const arg of args) size += typeof arg === "number" ? 16 : arg.length;
  return size;
}
