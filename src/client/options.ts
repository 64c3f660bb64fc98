import { ChatError } from "../errors.js";
import type { Uuid } from "../model/ids.js";
import { type Cipher, plainCipher } from "./cipher.js";
import { type ClientClock, systemClock } from "./clock.js";
import { defaultWebSocket, type SocketConstructor } from "./socket.js";
import { memoryStore } from "./stores/memory-store.js";
import type { ClientStore } from "./stores/store.js";
import type { TokenSource } from "./token.js";

export interface ChatClientOptions {
  /** Where the server listens, as a WebSocket address: `wss://example.org/chat`. */
  readonly url: string;
  /** What the host's authentication wants: a text, or a function that is asked before each connection. */
  readonly token: TokenSource;
  /** Where the device keeps what it must not lose; in memory where it isn't given. One store serves one user. */
  readonly store?: ClientStore;
  readonly device?: {
    /** The device's UUID, where the application has one; made and kept in the store where not. */
    readonly id?: Uuid;
    /** For people to tell their devices apart. */
    readonly name?: string;
    /** For example web, node, ios, android. */
    readonly platform?: string;
  };
  /** Where the platform has none of its own; Node's entry brings one. */
  readonly webSocket?: SocketConstructor;
  /** From 0 to below 1, for the jitter of the back-off. */
  readonly random?: () => number;
  readonly clock?: ClientClock;
}

export interface ResolvedOptions extends Required<Omit<ChatClientOptions, "device">> {
  readonly device: NonNullable<ChatClientOptions["device"]>;
  readonly cipher: Cipher;
}

/** The options with their defaults. Throws `config` where one is missing. */
export function resolveOptions(options: ChatClientOptions): ResolvedOptions {
  const webSocket = options.webSocket ?? defaultWebSocket();
  if (!options.url) throw missing("url");
  if (!options.token) throw missing("token");
  if (webSocket === undefined) throw missing("webSocket", "no WebSocket here: import sentseen/client/node");
  return {
    url: options.url,
    token: options.token,
    store: options.store ?? memoryStore(),
    device: options.device ?? {},
    webSocket,
    random: options.random ?? Math.random,
    clock: options.clock ?? systemClock,
    cipher: plainCipher,
  };
}

function missing(field: string, text = `${field} is missing`): ChatError {
  return new ChatError("config", text, { field });
}
