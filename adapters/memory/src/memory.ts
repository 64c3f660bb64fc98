import type { Queue, Storage } from "../../../src/ports/index.js";
import { type MemoryQueueOptions, memoryQueue } from "./queue.js";
import { type MemoryRegistry, type MemoryRegistryOptions, memoryRegistry } from "./registry.js";
import { memoryStorage } from "./storage.js";

export interface MemoryOptions extends MemoryQueueOptions, MemoryRegistryOptions {}

export interface Memory {
  readonly storage: Storage;
  readonly registry: MemoryRegistry;
  readonly queue: Queue;
}

/**
 * All ports in this process's memory: for tests, for trying things out, and as the model for other adapters. What
 * storage and queue hold survives `close()` and a later `open()` of the same objects, and nothing else.
 */
export function memory(options: MemoryOptions = {}): Memory {
  return { storage: memoryStorage(), registry: memoryRegistry(options), queue: memoryQueue(options) };
}
