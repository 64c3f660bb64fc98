import {
  ChatError,
  CONTRACT,
  type Consumer,
  type Consumption,
  type Offset,
  partitionOf,
  type Queue,
  type QueueItem,
} from "sentseen/ports";
import { full } from "../link/failure.js";
import type { Servers } from "../link/servers.js";
import { Subscriptions } from "../link/subscriptions.js";
import { KEY_LIMIT, keyFits } from "./chunk.js";
import { Member } from "./member.js";
import { QueueKeys } from "./queue-keys.js";
import { Topic } from "./topic.js";
import { Wakes } from "./wakes.js";

export interface RedisQueueOptions {
  readonly servers: Servers;
  readonly prefix: string;
  readonly partitions: number;
  readonly leaseMs: number;
  readonly probeMs: number;
  /** Bytes that a partition's log may take. */
  readonly maxBytes: number;
  /** Bytes that may wait to be published. */
  readonly maxWaitingBytes: number;
}

/** A queue of partitions on Redis Streams. Redis may lose it, so acknowledgements wait for storage. [R1] */
export class RedisQueue implements Queue {
  readonly contract = CONTRACT;
  readonly scope = "cluster";
  readonly durable = false;
  readonly embedded = false;

  readonly #options: RedisQueueOptions;
  readonly #topics = new Map<string, Topic>();
  readonly #members = new Set<Member>();
  #waitingBytes = 0;
  #opened: { readonly subscriptions: Subscriptions; readonly wakes: Wakes } | null = null;

  constructor(options: RedisQueueOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    if (this.#opened !== null) return;
    const { servers, probeMs } = this.#options;
    await servers.open();
    const subscriptions: Subscriptions = new Subscriptions({ servers, probeMs, lost: () => wakes.all() });
    const wakes = new Wakes(subscriptions);
    this.#opened = { subscriptions, wakes };
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    if (opened === null) return;
    this.#opened = null;
    await Promise.all([...this.#members].map((member) => member.stop()));
    await Promise.all([...this.#topics.values()].map((topic) => topic.close()));
    this.#topics.clear();
    opened.subscriptions.close();
    this.#options.servers.close();
  }

  partitions(): number {
    return this.#options.partitions;
  }

  publish(name: string, items: readonly QueueItem[]): Promise<void> {
    try {
      return this.#publish(name, items);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async consume(name: string, group: string, consumer: Consumer): Promise<Consumption> {
    const { servers, leaseMs } = this.#options;
    const { wakes } = this.#mustBeOpen();
    const topic = this.#topic(name);
    await topic.ready();
    const { keys, logs } = topic;
    const left = (gone: Member) => this.#members.delete(gone);
    const member = new Member({ servers, keys, wakes, group, consumer, logs, leaseMs, left });
    this.#members.add(member);
    try {
      await member.join();
      this.#mustBeOpen();
    } catch (error) {
      await member.stop();
      throw error;
    }
    return member;
  }

  async head(name: string, partition: number): Promise<Offset | null> {
    this.#mustBeOpen();
    const log = this.#topic(name).logs[partition];
    if (log === undefined) throw this.#noPartition(partition);
    return log.head();
  }

  async recordsAfter(name: string, partition: number, offset: Offset): Promise<number> {
    this.#mustBeOpen();
    const log = this.#topic(name).logs[partition];
    if (log === undefined) throw this.#noPartition(partition);
    return log.countAfter(offset);
  }

  #publish(name: string, items: readonly QueueItem[]): Promise<void> {
    this.#mustBeOpen();
    const { partitions, maxWaitingBytes } = this.#options;
    for (const { key, partition = 0 } of items) {
      if (!(partition in this.#topic(name).writers)) throw this.#noPartition(partition);
      if (!keyFits(key)) throw new ChatError("too_large", "A key is too long.", { field: "key", limit: KEY_LIMIT });
    }
    if (this.#waitingBytes >= maxWaitingBytes) throw full("As much as may wait to be published waits", maxWaitingBytes);
    const { writers } = this.#topic(name);
    const stored = new Set<Promise<void>>();
    for (const { key, value, partition = partitionOf(key, partitions) } of items) {
      const added = writers[partition]?.add(key, value);
      if (added === undefined) continue;
      this.#waitingBytes += added.bytes;
      stored.add(added.done);
    }
    return Promise.all(stored).then(() => {});
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      const { servers, prefix, partitions, maxBytes, leaseMs } = this.#options;
      topic = new Topic({
        name,
        servers,
        keys: new QueueKeys(prefix, name),
        partitions,
        maxBytes,
        // Whoever read the last life of a log has come back by then: it knows within a lease and takes one to return.
        graceMs: leaseMs * 3,
        drained: (bytes) => {
          this.#waitingBytes -= bytes;
        },
      });
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #mustBeOpen(): { readonly wakes: Wakes } {
    if (this.#opened === null) throw new ChatError("closed", "The Redis queue is not open.");
    return this.#opened;
  }

  #noPartition(partition: number): ChatError {
    const limit = this.#options.partitions - 1;
    return new ChatError("invalid", `There is no partition ${partition}.`, { field: "partition", limit });
  }
}
