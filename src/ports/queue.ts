import type { Adapter } from "./scope.js";

/**
 * A place in one partition of a topic: a safe integer that only grows, in the next life of a wiped queue too (an
 * adapter begins each life above the last one's, for example at the time of creation in microseconds). Not contiguous.
 */
export type Offset = number;

/** What is published. */
export interface QueueItem {
  /** Items of one key keep their order and land in one partition. */
  readonly key: string;
  /** The partition that the item goes to; without it the key decides, by `partitionOf`. */
  readonly partition?: number;
  /** As it is when `publish` is called: its memory is the publisher's again when the call has returned. */
  readonly value: Uint8Array;
  /** The publisher's own form of `value`. A queue inside the process hands it on; any other drops it. */
  readonly decoded?: unknown;
}

/** What is consumed. */
export interface QueueRecord extends QueueItem {
  readonly offset: Offset;
}

/** An owner's right to a partition. */
export interface Lease {
  /**
   * Whether the right is surely valid now, by the owner's own monotonic clock. Costs no round trip. Once false it
   * stays false. [R2 c]
   */
  valid(): boolean;
}

export interface Consumer {
  /**
   * A partition now belongs to this consumer. Answers the offset after which records are wanted: its checkpoint, or
   * null for everything that is kept.
   *
   * Every record beyond `completeAfter` is still there, or to come. It lies beyond the group's checkpoint only where
   * records were lost: in a wipe, in a failover that forgot some, or because they were kept for too short a time. It is
   * 0 where nothing can be lost.
   */
  assigned(partition: number, lease: Lease, completeAfter: Offset): Promise<Offset | null>;
  /**
   * The next records of a partition, in order. The next batch of that partition comes when this one has returned, or
   * its promise has resolved. A rejection stops the partition: it is handed out again from the checkpoint after a
   * pause, to this consumer or another. [R5]
   */
  batch(partition: number, records: readonly QueueRecord[]): void | Promise<void>;
  /** The partition is no longer this consumer's; its lease is invalid already. */
  revoked(partition: number): Promise<void>;
}

export interface Consumption {
  /** Records at or before `offset` need not be kept for this group. */
  commit(partition: number, offset: Offset): Promise<void>;
  /** Ends the consumption: no batch comes afterwards, `revoked` was called for every partition. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Topics of partitions.
 *
 * - *Order*: items of one key are consumed in the order in which their `publish` was called, from one publisher.
 * - *At least once*: an item whose publish resolved is handed to each group at least once, until committed.
 * - *One owner*: a partition belongs to one consumer of a group at a time, as far as leases can tell.
 * - *Failure*: a rejected publish may or may not have been stored, in whole or in part, but never out of order: what
 *   is stored of one call is, in each partition, a beginning of what was meant for it, and calls for the same key that
 *   were made before the rejection was known are rejected too, and not stored.
 * - *Cost*: publishes that meet share one round trip or one sync; callers needn't batch.
 */
export interface Queue extends Adapter {
  /** Whether a resolved publish survives a crash of everything. Where not, acknowledgements wait for storage. [R1] */
  readonly durable: boolean;
  /**
   * Whether the queue lives in the consuming process and has a single partition. Deliveries then pass inside the
   * process under the command's offset, and no topic is read but `commands`. [R3]
   */
  readonly embedded: boolean;
  partitions(topic: string): number;
  /** Resolves when all items are accepted, as durably as `durable` says. Rejects with `store_unavailable`. */
  publish(topic: string, items: readonly QueueItem[]): Promise<void>;
  /** Joins a group of consumers. Resolves when the group has been joined; partitions come by `assigned`. */
  consume(topic: string, group: string, consumer: Consumer): Promise<Consumption>;
  /** The last offset of a partition at the time of asking; null where it never had a record. */
  head(topic: string, partition: number): Promise<Offset | null>;
  /** How many records of a partition that are kept lie beyond an offset. Rejects with `store_unavailable`. */
  recordsAfter(topic: string, partition: number, offset: Offset): Promise<number>;
}

/** Spreads keys evenly and for ever the same way (FNV-1a over the key's UTF-16 units). */
export function partitionOf(key: string, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}
