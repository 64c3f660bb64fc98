import { memory } from "sentseen/memory";
import type { ConnectionRegistry } from "../../../src/ports/connection-registry.js";
import type { Queue } from "../../../src/ports/queue.js";
import type { Storage } from "../../../src/ports/storage.js";

export interface Parts {
  readonly storage: Storage;
  readonly queue: Queue;
  readonly registry: ConnectionRegistry;
}

/** One place where servers one after another keep their data. */
export interface Place {
  /** The parts for the next server. */
  parts(): Parts;
  /** Throws the data away. */
  end(): Promise<void>;
}

export interface Store {
  readonly name: string;
  place(): Promise<Place>;
}

function inMemory(durable: boolean): Store {
  return {
    name: durable ? "memory as a durable log" : "memory, where acknowledgements wait for storage",
    async place() {
      const parts = memory({ durable });
      return { parts: () => parts, end: async () => {} };
    },
  };
}

export const DURABLE_LOG = inMemory(true);
export const WAITING_FOR_STORAGE = inMemory(false);

/** Every kind of store that behaviour mustn't depend on. */
export const STORES: readonly Store[] = [WAITING_FOR_STORAGE, DURABLE_LOG];
