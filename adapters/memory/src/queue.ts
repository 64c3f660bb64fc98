import type { Consumer, Consumption, Offset, Queue, QueueItem } from "../../../src/ports/index.js";
import { ChatError, CONTRACT, partitionOf } from "../../../src/ports/index.js";
import { getOrMake } from "./get-or-make.js";
import { firstOffset, PartitionLog } from "./partition-log.js";
import { Topic } from "./topic.js";

export interface MemoryQueueOptions {
  /** Partitions of every topic; default 1, and only then is the queue `embedded`. */
  readonly partitions?: number;
  /** What the queue says of its durability; default false, which is the truth. Tests may want it to say true. */
  readonly durable?: boolean;
  /** Records that a consumer gets at a time, at most; default 512. */
  readonly batch?: number;
  /** Bytes of values that are kept uncommitted; beyond, `publish` rejects. Default 256 MiB. */
  readonly maxBytes?: number;
  /** The time in milliseconds since 1970, from which offsets begin; default the system's clock. */
  readonly now?: () => number;
}

/** A queue in this process's memory. Its records survive `close()` and are there again after the next `open()`. */
export function memoryQueue(options: MemoryQueueOptions = {}): Queue {
  const { partitions = 1, batch = 512 } = options;
  if (!Number.isSafeInteger(partitions) || partitions < 1) throw wrong("partitions");
  if (!Number.isSafeInteger(batch) || batch < 1) throw wrong("batch");
  return new MemoryQueue({
    partitions,
    durable: options.durable ?? false,
    batch,
    maxBytes: options.maxBytes ?? 256 * 1024 * 1024,
    firstOffset: firstOffset((options.now ?? Date.now)()),
  });
}

interface Settings {
  readonly partitions: number;
  readonly durable: boolean;
  readonly batch: number;
  readonly maxBytes: number;
  readonly firstOffset: Offset;
}

class MemoryQueue implements Queue {
  readonly contract = CONTRACT;
  readonly scope = "process";
  readonly durable: boolean;
  readonly embedded: boolean;

  readonly #settings: Settings;
  readonly #topics = new Map<string, Topic>();
  #open = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.durable = settings.durable;
    this.embedded = settings.partitions === 1;
  }

  async open(): Promise<void> {
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
    await Promise.all([...this.#topics.values()].map((topic) => topic.disband()));
  }

  partitions(): number {
    return this.#settings.partitions;
  }

  async publish(topic: string, items: readonly QueueItem[]): Promise<void> {
    this.#mustBeOpen();
    const { logs } = this.#topic(topic);
    for (const { partition = 0 } of items) if (logs[partition] === undefined) throw noPartition(partition, logs.length);
    let bytes = 0;
    for (const log of logs) bytes += log.bytes;
    for (const { value } of items) bytes += value.length;
    if (bytes > this.#settings.maxBytes) {
      throw new ChatError("store_unavailable", `Topic ${topic} holds as much as it may uncommitted.`, {
        limit: this.#settings.maxBytes,
      });
    }
    for (const item of items) logs[item.partition ?? partitionOf(item.key, logs.length)]?.append(item);
  }

  async consume(topic: string, group: string, consumer: Consumer): Promise<Consumption> {
    this.#mustBeOpen();
    const read = this.#topic(topic);
    const joined = read.group(group);
    // One object may join more than once: each time it is another member.
    const member: Consumer = {
      assigned: (partition, lease, completeAfter) => consumer.assigned(partition, lease, completeAfter),
      batch: (partition, records) => consumer.batch(partition, records),
      revoked: (partition) => consumer.revoked(partition),
    };
    await joined.join(member);
    return {
      commit: async (partition, offset) => read.commit(group, partition, offset),
      stop: () => joined.leave(member),
    };
  }

  async head(topic: string, partition: number): Promise<Offset | null> {
    this.#mustBeOpen();
    return this.#topic(topic).logs[partition]?.head ?? null;
  }

  async recordsAfter(topic: string, partition: number, offset: Offset): Promise<number> {
    this.#mustBeOpen();
    return this.#topic(topic).logs[partition]?.countAfter(offset) ?? 0;
  }

  #topic(name: string): Topic {
    return getOrMake(this.#topics, name, () => {
      const { partitions, firstOffset, batch } = this.#settings;
      const logs = Array.from({ length: partitions }, () => new PartitionLog(firstOffset));
      return new Topic(logs, batch);
    });
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new ChatError("closed", "The memory queue is not open.");
  }
}

function wrong(field: string): ChatError {
  return new ChatError("config", `${field} must be a whole number above 0.`, { field });
}

function noPartition(partition: number, partitions: number): ChatError {
  return new ChatError("invalid", `There is no partition ${partition}.`, { field: "partition", limit: partitions - 1 });
}
