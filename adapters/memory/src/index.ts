export { type Memory, type MemoryOptions, memory } from "./memory.js";
export type { MemoryQueueOptions } from "./queue.js";
export type { MemoryRegistry, MemoryRegistryOptions } from "./registry.js";
