/** Content of every message, in bytes. */
export const CONTENT_BYTES = 200;

/** Whom a client writes to. */
export type Target =
  | { readonly kind: "user"; readonly user: string }
  /** `members` are the users of the group beside this one; given where the client is to make the group. */
  | { readonly kind: "group"; readonly group: number; readonly members?: readonly string[] }
  | { readonly kind: "nobody" };

export interface Address {
  readonly port: number;
  readonly user: string;
  readonly target: Target;
}

/** What a client hears. Numbers are those that `send` was given. */
export interface Listener {
  /** The server has acknowledged a message of this client. */
  ack(number: number): void;
  /** A message for this client arrived. */
  delivery(number: number): void;
  /** All that one read of the socket brought has been told: the moment to send again, in one write. */
  read(): void;
}

/** One connected client. */
export interface LoadClient {
  /** Resolves when the client can send and receive. */
  readonly ready: Promise<void>;
  /** Sends the messages numbered from `first` on in one write. */
  send(first: number, count: number): void;
  /** Does what a real client does from time to time beside sending, such as telling what it has received. */
  tick(): void;
  close(): void;
}

/** A protocol, as the load generator speaks it. */
export type Wire = (address: Address, listener: Listener) => LoadClient;

/** The 200 bytes: letters, of which the first ones are replaced by the message's number. */
export function filler(): Buffer {
  return Buffer.from("the quick brown fox jumps over the lazy dog ".repeat(5).slice(0, CONTENT_BYTES), "latin1");
}
