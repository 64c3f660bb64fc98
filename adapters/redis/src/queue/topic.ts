import { ChatError } from "sentseen/ports";
import type { Servers } from "../link/servers.js";
import { PartitionLog } from "./partition-log.js";
import type { QueueKeys } from "./queue-keys.js";
import { Writer } from "./writer.js";

export interface TopicOptions {
  readonly name: string;
  readonly servers: Servers;
  readonly keys: QueueKeys;
  readonly partitions: number;
  readonly maxBytes: number;
  /** After the beginning of a life of a log nothing is trimmed for so long. */
  readonly graceMs: number;
  drained(bytes: number): void;
}

/** A topic as this process sees it. */
export class Topic {
  readonly keys: QueueKeys;
  readonly logs: readonly PartitionLog[];
  readonly writers: readonly Writer[];
  readonly #options: TopicOptions;
  #ready: Promise<void> | null = null;

  constructor(options: TopicOptions) {
    const { servers, keys, partitions, maxBytes, graceMs, drained } = options;
    this.#options = options;
    this.keys = keys;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const ready = () => this.ready();
    this.logs = numbers.map((partition) => new PartitionLog(servers, keys, partition, graceMs));
    this.writers = numbers.map((partition) => new Writer({ servers, keys, partition, maxBytes, ready, drained }));
  }

  /**
   * Resolves when it is known that all processes mean the same number of partitions. Rejects with `config` where they
   * don't, and with `store_unavailable`.
   */
  ready(): Promise<void> {
    this.#ready ??= this.#compare().catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  async close(): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.close()));
  }

  async #compare(): Promise<void> {
    const { name, servers, keys, partitions } = this.#options;
    const args = ["SET", keys.partitions, partitions, "NX", "GET"];
    const recorded = (await servers.call(keys.partitions, args)) as Buffer | null;
    if (recorded === null || Number(recorded) === partitions) return;
    const text = `Topic ${name} has ${recorded} partitions in Redis, and ${partitions} are configured. All nodes need the same.`;
    throw new ChatError("config", text, { field: "partitions", limit: Number(recorded) });
  }
}
