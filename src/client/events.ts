import type { ChatError } from "../errors.js";
import type { Uuid } from "../model/ids.js";
import { asChatError } from "./as-chat-error.js";
import type { ChatChange, ChatMessage } from "./message.js";

/**
 * Where the client stands: `idle` before `connect` and after the server told it to stay away; `connecting`; `syncing`
 * while what was missed comes in; `online`; `waiting` until the next attempt to connect; `closed` for good.
 */
export type ChatState = "idle" | "connecting" | "syncing" | "online" | "waiting" | "closed";

/** What could not be made up for by the mailbox: from here on the application asks `history` for what it shows. */
export interface Gap {
  /** Conversations of which the server has more than came in, and from where on. */
  readonly conversations: readonly { readonly conversation: Uuid; readonly after: number; readonly head: number }[];
}

/** What a client tells, and with what. */
export interface ClientEvents {
  /** A message took its place: this user's own too. Once each, in the conversation's order. */
  message: (message: ChatMessage) => void;
  /** A change of a group took its place: once each, in order with the messages. */
  change: (change: ChatChange) => void;
  /** An own message got further, or failed. */
  status: (message: ChatMessage) => void;
  /** The state is another one; with the reason where it was not asked for. */
  state: (state: ChatState, reason?: ChatError) => void;
  /** The server could not continue where this device was. */
  gap: (gap: Gap) => void;
  /** Something went wrong that no call of the application's is told of. */
  error: (error: ChatError) => void;
}

/** The listeners of one client. One that throws or rejects is told as `error` and disturbs nobody else. */
export interface Events {
  /** Adds a listener; answers what removes it. One that is added twice is called twice. */
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void;
  emit<E extends keyof ClientEvents>(event: E, ...args: Parameters<ClientEvents[E]>): void;
  clear(): void;
}

type Call = (...args: unknown[]) => unknown;

export function createEvents(): Events {
  const listeners = new Map<string, Set<{ readonly call: Call }>>();

  function emit(event: string, ...args: unknown[]): void {
    const failed = (cause: unknown): void => {
      // What fails while it is told of failures has nobody left to be told to.
      if (event !== "error") emit("error", asChatError(cause));
    };
    for (const { call } of [...(listeners.get(event) ?? [])]) {
      try {
        const answer = call(...args);
        if (answer instanceof Promise) answer.catch(failed);
      } catch (cause) {
        failed(cause);
      }
    }
  }

  return {
    on(event, listener) {
      const own = { call: listener as Call };
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all.add(own));
      return () => void all.delete(own);
    },
    emit,
    clear: () => listeners.clear(),
  };
}
