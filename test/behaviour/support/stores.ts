import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lmdb } from "@sentseen/lmdb";
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
  /** The log may forget what it accepted: conversations are kept for as long as mailboxes, whatever is wanted. */
  readonly keepsHistory?: true;
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

const ON_DISK: Store = {
  name: "LMDB",
  async place() {
    const directory = await mkdtemp(join(tmpdir(), "sentseen-behaviour-"));
    const { registry } = memory();
    return {
      parts: () => ({ ...lmdb({ directory }), registry }),
      end: () => rm(directory, { recursive: true, force: true }),
    };
  },
};

/** As inMemory, with several partitions: mailboxes have other owners than conversations then, and pass by a log. */
function clustered(durable: boolean): Store {
  return {
    name: durable ? "several partitions of a durable log" : "several partitions of a log that may forget",
    ...(!durable && { keepsHistory: true as const }),
    async place() {
      const parts = memory({ durable, partitions: 4 });
      return { parts: () => parts, end: async () => {} };
    },
  };
}

export const DURABLE_LOG = inMemory(true);
export const WAITING_FOR_STORAGE = inMemory(false);
export const CLUSTERED_WAITING_FOR_STORAGE = clustered(false);

/** Every kind of store that behaviour mustn't depend on. */
export const STORES: readonly Store[] = [
  WAITING_FOR_STORAGE,
  DURABLE_LOG,
  ON_DISK,
  clustered(true),
  CLUSTERED_WAITING_FOR_STORAGE,
];
