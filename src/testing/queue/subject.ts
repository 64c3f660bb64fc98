import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Consumer, Consumption, Lease, Offset, Queue, QueueItem, QueueRecord } from "../../ports/queue.js";
import type { Clause, Fixture } from "../contract.js";
import { until } from "../until.js";

/** `durability`: accepted items survive `restart`. `wiping`: the fixture can lose everything. `sharing`: a topic can
 * have more partitions than one, so that two consumers of a group have something to share. */
export type QueueCapability = "durability" | "wiping" | "sharing";

/** A queue for one test. */
export interface QueueFixture extends Fixture<Queue> {
  /** Closes the queue and answers it opened anew on what it had stored. */
  restart?(): Promise<Queue>;
  /** Closes the queue, loses all that it had stored and answers it opened anew. */
  wipe?(): Promise<Queue>;
}

/** What a clause gets: the fixture and how long it waits for what must come. */
export interface QueueSubject extends QueueFixture {
  readonly patienceMs: number;
}

export type QueueClause = Clause<QueueSubject, QueueCapability>;

export function someTopic(): string {
  return `topic-${randomUUID()}`;
}

export function item(key: string, value: string | number): QueueItem {
  return { key, value: new TextEncoder().encode(String(value)) };
}

export function textOf(record: QueueRecord): string {
  return new TextDecoder().decode(record.value);
}

/** What a reader was called with, in the order of the calls. */
export type Event =
  | { readonly type: "assigned"; readonly partition: number; readonly lease: Lease }
  | { readonly type: "batch"; readonly partition: number; readonly records: readonly QueueRecord[] }
  | { readonly type: "revoked"; readonly partition: number };

export interface ReaderOptions {
  /** The checkpoint that a partition starts from; by default everything that is kept is wanted. */
  from?(partition: number): Offset | null;
  /** Called with each batch after it was noted. */
  batch?(partition: number, records: readonly QueueRecord[]): void | Promise<void>;
}

/** A consumer that notes what it is called with, and notes as faults what must never be. */
export class Reader implements Consumer {
  readonly events: Event[] = [];
  readonly faults: string[] = [];
  readonly leases = new Map<number, Lease>();
  readonly #options: ReaderOptions;
  readonly #busy = new Set<number>();

  constructor(options: ReaderOptions = {}) {
    this.#options = options;
  }

  async assigned(partition: number, lease: Lease): Promise<Offset | null> {
    this.events.push({ type: "assigned", partition, lease });
    if (this.leases.get(partition)?.valid()) this.faults.push(`partition ${partition} was assigned twice`);
    if (!lease.valid()) this.faults.push(`partition ${partition} came with a lease that had run out`);
    this.leases.set(partition, lease);
    return this.#options.from?.(partition) ?? null;
  }

  batch(partition: number, records: readonly QueueRecord[]): void | Promise<void> {
    this.events.push({ type: "batch", partition, records });
    if (this.#busy.has(partition)) this.faults.push(`partition ${partition} got a batch while one was open`);
    if (records.length === 0) this.faults.push(`partition ${partition} got an empty batch`);
    if (this.leases.get(partition)?.valid() !== true)
      this.faults.push(`partition ${partition} got a batch without a lease`);
    const result = this.#options.batch?.(partition, records);
    if (result === undefined) return;
    this.#busy.add(partition);
    return (async () => {
      try {
        await result;
      } finally {
        this.#busy.delete(partition);
      }
    })();
  }

  async revoked(partition: number): Promise<void> {
    this.events.push({ type: "revoked", partition });
    if (this.leases.get(partition)?.valid()) this.faults.push(`partition ${partition} was revoked with a valid lease`);
  }

  /** The records so far, those of a partition or all. */
  records(partition?: number): QueueRecord[] {
    return this.events.flatMap((event) =>
      event.type === "batch" && (partition === undefined || event.partition === partition) ? event.records : [],
    );
  }

  values(): string[] {
    return this.records().map(textOf);
  }

  count(type: Event["type"]): number {
    return this.events.filter((event) => event.type === type).length;
  }

  /** Fails if something was seen that must never be. */
  assertSound(): void {
    assert.deepEqual(this.faults, []);
    for (const partition of this.leases.keys()) {
      const tenures = this.#tenures(partition);
      for (const offsets of tenures) {
        for (const [index, offset] of offsets.entries()) {
          assert.ok(Number.isSafeInteger(offset), `offset ${offset} is not a safe integer`);
          if (index > 0) assert.ok(offset > (offsets[index - 1] as number), "offsets must grow");
        }
      }
    }
  }

  /** The offsets of a partition, apart for each time that it was assigned. */
  #tenures(partition: number): Offset[][] {
    const tenures: Offset[][] = [];
    for (const event of this.events) {
      if (event.partition !== partition) continue;
      if (event.type === "assigned") tenures.push([]);
      if (event.type === "batch") tenures.at(-1)?.push(...event.records.map((record) => record.offset));
    }
    return tenures;
  }
}

/** Joins a new group of its own with a reader. */
export function join(queue: Queue, topic: string, reader: Consumer, group = "readers"): Promise<Consumption> {
  return queue.consume(topic, group, reader);
}

/** Waits until a reader has so many records, or more. */
export function arrived(reader: Reader, count: number, patienceMs: number): Promise<void> {
  return until(`${count} records to arrive`, () => reader.records().length >= count, patienceMs);
}

/** Lets pass what a queue may do by itself in a few turns of the event loop and some milliseconds. */
export async function aWhile(ms = 60): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
