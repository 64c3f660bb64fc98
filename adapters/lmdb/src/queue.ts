import {
  ChatError,
  CONTRACT,
  type Consumer,
  type Consumption,
  type Offset,
  type Queue,
  type QueueItem,
} from "sentseen/ports";
import type { Environment } from "./environment.js";
import { Group } from "./group.js";
import { GroupCommit } from "./group-commit.js";
import { behind } from "./keys.js";
import { storedSegment } from "./log-rows.js";
import type { LogTrim } from "./log-trim.js";
import { groupIn, groupKey, groupsPrefix } from "./meta-rows.js";
import type { Part } from "./part.js";
import { type Segment, SegmentBuilder } from "./segment.js";
import { TopicLog } from "./topic-log.js";
import { within } from "./within.js";

/** A segment of this size isn't added to. */
const SEGMENT_BYTES = 1024 * 1024;

/** How often the size of the store is looked at, where it has a bound. */
const MEASURE_EVERY_BYTES = 4 * 1024 * 1024;

/** What gathers for one commit: almost always of a single topic. */
interface Gathered {
  readonly builders: Map<Topic, SegmentBuilder>;
  /** What the builders came to. */
  readonly segments: { readonly topic: Topic; readonly segment: Segment }[];
}

interface Topic {
  readonly log: TopicLog;
  readonly groups: Map<string, Group>;
}

export interface LmdbQueueOptions {
  readonly deadlineMs: number;
  /** Bytes that may wait for their commit; beyond, `publish` rejects. */
  readonly maxWaitingBytes: number;
  /** Bytes in use of the data file beyond which `publish` rejects. */
  readonly maxSize: number;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A durable queue of one partition: all that is published meanwhile becomes one value in the next synced commit. */
export class LmdbQueue implements Queue {
  readonly contract = CONTRACT;
  readonly scope = "process";
  readonly durable = true;
  readonly embedded = true;

  readonly #environment: Environment;
  readonly #part: Part;
  readonly #options: LmdbQueueOptions;
  readonly #trim: LogTrim;
  readonly #commits: GroupCommit<Gathered>;
  readonly #topics = new Map<string, Topic>();
  #floor: Offset = 0;
  #waitingBytes = 0;
  #full = false;
  /** Bytes published since the size of the store was last looked at. */
  #unmeasuredBytes = Number.POSITIVE_INFINITY;

  constructor(environment: Environment, part: Part, trim: LogTrim, options: LmdbQueueOptions) {
    this.#environment = environment;
    this.#part = part;
    this.#trim = trim;
    this.#options = options;
    this.#commits = new GroupCommit({
      make: (): Gathered => ({ builders: new Map(), segments: [] }),
      full: (gathered) => sizeOf(gathered) >= SEGMENT_BYTES,
      commit: (gathered) => this.#commit(gathered),
      landed: ({ segments }) => {
        for (const { topic, segment } of segments) topic.log.landed(segment);
      },
      deadlineMs: options.deadlineMs,
    });
  }

  async open(): Promise<void> {
    await this.#part.open();
    // Above all that was ever given, also where the directory is an older copy of itself: no more than one record a
    // microsecond was ever published.
    this.#floor = Math.floor(this.#options.now() * 1000);
  }

  close(): Promise<void> {
    return this.#part.close(async () => {
      for (const { groups } of this.#topics.values()) {
        await Promise.all([...groups.values()].map((group) => group.disband()));
      }
      await this.#commits.idle();
      this.#topics.clear();
    });
  }

  partitions(): number {
    return 1;
  }

  publish(topic: string, items: readonly QueueItem[]): Promise<void> {
    try {
      return this.#publish(topic, items);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async consume(topic: string, name: string, consumer: Consumer): Promise<Consumption> {
    this.#part.mustBeOpen();
    const { log, groups } = this.#topic(topic);
    if (!groups.has(name)) {
      groups.set(name, new Group(log));
      const entered = this.#environment.commit([{ rows: "meta", key: groupKey(topic, name), value: Buffer.alloc(0) }]);
      await within(entered, this.#options.deadlineMs, "Entering a group");
    }
    const group = groups.get(name) as Group;
    // One object may join more than once: each time it is another member.
    const member: Consumer = {
      assigned: (partition, lease, completeAfter) => consumer.assigned(partition, lease, completeAfter),
      batch: (partition, records) => consumer.batch(partition, records),
      revoked: (partition) => consumer.revoked(partition),
    };
    group.join(member);
    return {
      commit: async (_, offset) => {
        group.commit(offset);
        this.#allowTrim(topic);
      },
      stop: () => group.leave(member),
    };
  }

  async head(topic: string, partition: number): Promise<Offset | null> {
    this.#part.mustBeOpen();
    return partition === 0 ? this.#topic(topic).log.head : null;
  }

  async recordsAfter(topic: string, partition: number, offset: Offset): Promise<number> {
    this.#part.mustBeOpen();
    return partition === 0 ? this.#topic(topic).log.countAfter(offset) : 0;
  }

  #publish(name: string, items: readonly QueueItem[]): Promise<void> {
    this.#part.mustBeOpen();
    if (items.length === 0) return Promise.resolve();
    for (const { partition = 0 } of items) if (partition !== 0) throw noPartition(partition);
    this.#refuseIfFull();
    const topic = this.#topic(name);
    const { batch, done } = this.#commits.open();
    if (batch.builders.size === 0) void this.#countWaiting(batch, done);
    let gathered = batch.builders.get(topic);
    const before = gathered?.size ?? 0;
    if (gathered === undefined) {
      gathered = new SegmentBuilder();
      batch.builders.set(topic, gathered);
    }
    gathered.add(items);
    const added = gathered.size - before;
    this.#waitingBytes += added;
    this.#unmeasuredBytes += added;
    return done;
  }

  #refuseIfFull(): void {
    const { maxWaitingBytes, maxSize } = this.#options;
    if (this.#waitingBytes >= maxWaitingBytes) throw full("As much as may wait to be written waits", maxWaitingBytes);
    if (maxSize === Number.POSITIVE_INFINITY) return;
    if (this.#full || this.#unmeasuredBytes >= MEASURE_EVERY_BYTES) {
      this.#full = this.#environment.size().used >= maxSize;
      this.#unmeasuredBytes = 0;
    }
    if (this.#full) throw full("As much as may be stored is stored", maxSize);
  }

  /** Its bytes wait until it is committed or has failed. */
  async #countWaiting(gathered: Gathered, done: Promise<void>): Promise<void> {
    try {
      await done;
    } catch {
      // Its publishers know.
    }
    this.#waitingBytes -= sizeOf(gathered);
  }

  async #commit(gathered: Gathered): Promise<void> {
    for (const [topic, builder] of gathered.builders) {
      gathered.segments.push({ topic, segment: topic.log.seal(builder) });
    }
    await this.#environment.commit(
      gathered.segments.map(({ topic, segment }) => storedSegment(topic.log.name, segment)),
    );
  }

  /** What every group that ever read the topic has committed may go. */
  #allowTrim(name: string): void {
    this.#part.mustBeOpen();
    const { groups } = this.#topic(name);
    let upTo = Number.POSITIVE_INFINITY;
    for (const { committed } of groups.values()) upTo = Math.min(upTo, committed ?? Number.NEGATIVE_INFINITY);
    if (Number.isFinite(upTo)) this.#trim.allow(name, upTo);
  }

  #topic(name: string): Topic {
    const there = this.#topics.get(name);
    if (there !== undefined) return there;
    const log = new TopicLog(name, this.#environment, this.#floor);
    const groups = new Map<string, Group>();
    const prefix = groupsPrefix(name);
    // Groups of the past hold back what they haven't committed until they are there again and say more.
    for (const key of this.#environment.rows().meta.getKeys({ start: prefix, end: behind(prefix) })) {
      groups.set(groupIn(key, name), new Group(log));
    }
    const topic = { log, groups };
    this.#topics.set(name, topic);
    return topic;
  }
}

function full(text: string, limit: number): ChatError {
  return new ChatError("store_unavailable", `${text} already.`, { limit });
}

function noPartition(partition: number): ChatError {
  return new ChatError("invalid", `There is no partition ${partition}, only 0.`, { field: "partition", limit: 0 });
}

function sizeOf({ builders }: Gathered): number {
  let bytes = 0;
  for (const builder of builders.values()) bytes += builder.size;
  return bytes;
}
