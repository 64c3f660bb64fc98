import { Admin } from "@platformatic/kafka";
import type { ChatError } from "sentseen/ports";
import { unavailable } from "./failure.js";
import type { KafkaClientOptions } from "./options.js";

const TIMEOUT_MS = 10_000;

export interface TrimmerOptions {
  readonly client: KafkaClientOptions;
  readonly everyMs: number;
  onError(error: ChatError): void;
}

/** Removes records that every group of a topic has committed. */
export class Trimmer {
  readonly #options: TrimmerOptions;
  /** Partitions of Kafka's topics that something was committed of since the last time. */
  readonly #touched = new Map<string, Set<number>>();
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: TrimmerOptions) {
    this.#options = options;
  }

  touch(topic: string, partition: number): void {
    if (this.#closed) return;
    const partitions = this.#touched.get(topic) ?? new Set();
    this.#touched.set(topic, partitions.add(partition));
    this.#timer ??= setTimeout(() => this.#tick(), this.#options.everyMs).unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#work;
  }

  #tick(): void {
    this.#timer = undefined;
    const touched = new Map(this.#touched);
    this.#touched.clear();
    this.#work = this.#trim(touched);
  }

  async #trim(touched: ReadonlyMap<string, ReadonlySet<number>>): Promise<void> {
    const { clientId = "sentseen", ...client } = this.#options.client;
    const admin = new Admin({ clientId, ...client, retries: 0, timeout: TIMEOUT_MS });
    try {
      for (const [topic, partitions] of touched) await this.#trimTopic(admin, topic, [...partitions]);
    } catch (error) {
      this.#options.onError(unavailable("Records that were committed can't be removed yet", error));
      for (const [topic, partitions] of touched) for (const partition of partitions) this.touch(topic, partition);
    } finally {
      await admin.close().catch(() => {});
    }
  }

  async #trimTopic(admin: Admin, topic: string, partitions: readonly number[]): Promise<void> {
    const known = await admin.listGroups({});
    const groups = [...known.keys()].filter((group) => group.startsWith(groupsOf(topic)));
    if (groups.length === 0) return;
    const wanted = [{ name: topic, partitionIndexes: [...partitions] }];
    const answer = await admin.listConsumerGroupOffsets({
      groups: groups.map((groupId) => ({ groupId, topics: wanted })),
    });
    const deletions = partitions.flatMap((partition) => {
      const committed = answer.map(({ topics }) => committedOf(topics, partition));
      const [least] = committed.sort((one, other) => Number(one - other));
      return least !== undefined && least > 0n ? [{ partition, offset: least }] : [];
    });
    if (deletions.length > 0) await admin.deleteRecords({ topics: [{ name: topic, partitions: deletions }] });
  }
}

/** What the names of a topic's groups begin with. */
export function groupsOf(topic: string): string {
  return `${topic}/`;
}

function committedOf(
  topics: readonly { partitions: readonly { partitionIndex: number; committedOffset: bigint }[] }[],
  partition: number,
): bigint {
  return topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.committedOffset ?? -1n;
}
