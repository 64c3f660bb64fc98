/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export type Argument = string | number | Uint8Array;

/**
 * One connection to one server, with nothing clever about it: it doesn't come back when it is gone, keeps no command
 * for later and sends none twice. All of that is decided above it, and the same for every client library.
 */
export interface Connection {
  /** Runs a command. Strings in the reply are Buffers. Rejects with the server's error, or when the connection ends. */
  call(args: readonly Argument[]): Promise<unknown>;
  /** Subscribes to a sharded channel. What arrives goes to `message`. */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Ends it at once; what is under way rejects. Idempotent. */
  close(): void;
}

export interface ConnectionEvents {
  /** The connection has ended, or the server has taken a subscription away. Called once at least. */
  down(): void;
  message(channel: string, bytes: Uint8Array): void;
}

/**
 * Connects: to an address, or, where that is null, to wherever the user's client is made for. Rejects where that
 * can't be done, after about `timeoutMs`.
 */
export type Dial = (address: Address | null, timeoutMs: number, events: ConnectionEvents) => Promise<Connection>;

/** Views of the same memory: what the libraries take. */
export function buffersOf(args: readonly Argument[]): (string | Buffer)[] {
  return args.map((arg) => {
    if (typeof arg === "string") return arg;
    if (typeof arg === "number") return String(arg);
    return Buffer.isBuffer(arg) ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.length);
  });
}
