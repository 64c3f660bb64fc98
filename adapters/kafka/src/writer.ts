import { type MessageRecord, NumericMap, produceV9 } from "@platformatic/kafka";
import { ChatError, isChatError, partitionOf, type QueueItem } from "sentseen/ports";
import type { Cluster } from "./cluster.js";
import type { Connections } from "./connections.js";
import { CODE, closed, codeOf, responseIn, unavailable } from "./failure.js";
import type { Settings } from "./options.js";
import { type Batch, type Call, type Entry, Outbox } from "./outbox.js";
import { newProducerId, type ProducerId, Sequence } from "./sequence.js";
import type { Topic, Topics } from "./topics.js";

/** Acknowledged by all replicas that are in sync. */
const ACKS_ALL = -1;
/** What a broker may take to gather the replicas' acknowledgements. */
const BROKER_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
const NO_HEADERS = new Map();

export interface WriterOptions {
  readonly topic: string;
  readonly cluster: Cluster;
  readonly topics: Topics;
  readonly connections: Connections;
  readonly settings: Settings;
}

interface Sending {
  readonly outbox: Outbox;
  readonly partition: number;
  readonly batch: Batch;
}

/**
 * Publishes to one topic. Each broker has one request under way, with all that gathered for its partitions meanwhile.
 *
 * Whatever happens to a request, its batches are sent again, unchanged and under the same numbers, until their fate is
 * known, and nothing of their partitions is sent before: so a publish that was given up may be stored late, but never
 * after one that was made later.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #outboxes: Outbox[];
  readonly #calls = new Set<Call>();
  readonly #busy = new Set<number>();
  #orders = 0;
  #bytes = 0;
  #topic: Topic | null = null;
  #producer: ProducerId | null = null;
  #preparing = false;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  /** Why calls are refused that were made before a rejection can be known. */
  #refusing: Error | null = null;
  #closed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#outboxes = Array.from({ length: options.topics.partitions(options.topic) }, () => new Outbox());
  }

  publish(items: readonly QueueItem[]): Promise<void> {
    if (items.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closed();
      const refusal = this.#refusing;
      // In a later turn: who tries again at once must not keep this one from ending.
      if (refusal !== null) setImmediate(() => reject(refusal));
      else this.#accept(items, resolve, reject);
    });
  }

  /** Waits for what was accepted, as long as publishing may take, and rejects the rest. */
  async close(): Promise<void> {
    this.#closed = true;
    const left = [...this.#calls].map((call) => call.deadline);
    const deadline = Math.max(0, ...left);
    while (this.#calls.size > 0 && performance.now() < deadline) await new Promise((go) => setTimeout(go, 10));
    for (const call of this.#calls) this.#settle(call, closed());
    clearTimeout(this.#timer);
  }

  #accept(items: readonly QueueItem[], resolve: () => void, reject: (error: Error) => void): void {
    const partitions = items.map((item) => this.#partitionOf(item));
    const bytes = this.#mustFit(items);
    const call: Call = {
      order: ++this.#orders,
      deadline: performance.now() + this.#options.settings.publishTimeoutMs,
      partitions: new Set(partitions),
      left: items.length,
      settled: false,
      resolve,
      reject,
    };
    const memory = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const [index, { key, value }] of items.entries()) {
      memory.set(value, at);
      const copy = memory.subarray(at, at + value.length);
      at += value.length;
      this.#outboxes[partitions[index] as number]?.push({ call, key: Buffer.from(key), value: copy });
    }
    this.#bytes += bytes;
    this.#calls.add(call);
    this.#schedule();
  }

  #partitionOf({ key, partition }: QueueItem): number {
    const { length } = this.#outboxes;
    const at = partition ?? partitionOf(key, length);
    if (this.#outboxes[at] === undefined) {
      const detail = { field: "partition", limit: length - 1 };
      throw new ChatError("invalid", `Topic ${this.#options.topic} has no partition ${at}.`, detail);
    }
    return at;
  }

  #mustFit(items: readonly QueueItem[]): number {
    const { maxItemBytes, maxWaitingBytes } = this.#options.settings;
    let bytes = 0;
    for (const { value } of items) {
      if (value.length > maxItemBytes) {
        const text = `An item of ${value.length} bytes; ${maxItemBytes} are allowed.`;
        throw new ChatError("too_large", text, { field: "value", limit: maxItemBytes });
      }
      bytes += value.length;
    }
    if (this.#bytes + bytes > maxWaitingBytes) {
      const text = `Too much waits to be published to ${this.#options.topic}.`;
      throw new ChatError("store_unavailable", text, { field: "maxWaitingBytes", limit: maxWaitingBytes });
    }
    return bytes;
  }

  /** What is published in one turn of the event loop goes together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    this.#giveUpLate();
    if (this.#topic === null || this.#producer === null) void this.#prepare();
    else {
      const now = performance.now();
      const ready = new Map<number, Sending[]>();
      for (const [partition, outbox] of this.#outboxes.entries()) {
        const leader = this.#topic.leaders[partition] ?? -1;
        if (outbox.busy || outbox.isEmpty || outbox.notBefore > now || this.#busy.has(leader)) continue;
        const batch = outbox.next(this.#sequenceOf(outbox, this.#producer));
        const sendings = ready.get(leader) ?? [];
        // A request carries the batches of one producer.
        if (sendings.length > 0 && sendings[0]?.batch.producer !== batch.producer) continue;
        sendings.push({ outbox, partition, batch });
        ready.set(leader, sendings);
      }
      for (const [leader, sendings] of ready) void this.#send(leader, sendings);
    }
    this.#wakeLater();
  }

  #sequenceOf(outbox: Outbox, producer: ProducerId): Sequence {
    if (outbox.sequence?.isUsedUp) {
      this.#producer = null;
      outbox.sequence = null;
    }
    outbox.sequence ??= new Sequence(producer);
    return outbox.sequence;
  }

  async #prepare(): Promise<void> {
    if (this.#preparing) return;
    this.#preparing = true;
    const { topics, topic, cluster } = this.#options;
    try {
      this.#topic ??= await topics.get(topic);
      this.#producer ??= await newProducerId(cluster);
      this.#schedule();
    } catch (error) {
      this.#options.settings.onError(unavailable(`Topic ${topic} can't be published to`, error));
      // What can't get better by waiting isn't waited for.
      if (isChatError(error) && !error.retryable) for (const call of this.#calls) this.#reject(call, error);
      else setTimeout(() => this.#schedule(), FIRST_PAUSE_MS).unref();
    } finally {
      this.#preparing = false;
    }
  }

  async #send(leader: number, sendings: readonly Sending[]): Promise<void> {
    this.#busy.add(leader);
    for (const { outbox } of sendings) outbox.busy = true;
    const faults = await this.#request(leader, sendings);
    this.#busy.delete(leader);
    let mustLook = false;
    for (const sending of sendings) {
      sending.outbox.busy = false;
      const fault = faults(sending.partition);
      if (fault === null) this.#stored(sending);
      else if (fault.final) this.#refused(sending, fault.error);
      else {
        mustLook = true;
        this.#again(sending.outbox);
      }
    }
    if (mustLook) await this.#look();
    this.#schedule();
  }

  /** Sends the batches, and answers what went wrong with that of a partition. */
  async #request(leader: number, sendings: readonly Sending[]): Promise<(partition: number) => Fault | null> {
    const { name } = this.#topic as Topic;
    const { producer } = (sendings[0] as Sending).batch;
    const sequences = new NumericMap(
      sendings.map(({ partition, batch }) => [`${name}:${partition}`, batch.sequence] as [string, number]),
    );
    const timestamp = BigInt(Date.now());
    const records: MessageRecord[] = sendings.flatMap(({ partition, batch }) =>
      batch.entries.map(({ key, value }) => ({ topic: name, partition, key, value, timestamp, headers: NO_HEADERS })),
    );
    const options = { producerId: producer.id, producerEpoch: producer.epoch, sequences };
    try {
      const address = this.#options.cluster.address(leader);
      await this.#options.connections.ask(address, produceV9.api, ACKS_ALL, BROKER_TIMEOUT_MS, records, options);
      return () => null;
    } catch (error) {
      const answer = responseIn<produceV9.ProduceResponse>(error);
      if (answer === null) return () => ({ error, final: false });
      const codes = new Map(answer.responses[0]?.partitionResponses.map(({ index, errorCode }) => [index, errorCode]));
      return (partition) => faultOf(codes.get(partition), error);
    }
  }

  #stored({ outbox, batch }: Sending): void {
    outbox.batch = null;
    outbox.failures = 0;
    outbox.sequence?.advance(batch.entries.length);
    for (const { call } of batch.entries) if (--call.left === 0) this.#settle(call, null);
    for (const { value } of batch.entries) this.#bytes -= value.length;
  }

  /** The broker won't ever store it: what it holds is rejected, and the numbers begin anew. */
  #refused({ outbox, batch }: Sending, error: unknown): void {
    outbox.batch = null;
    outbox.sequence = null;
    this.#producer = null;
    for (const { value } of batch.entries) this.#bytes -= value.length;
    const tooLarge = codeOf(error) === CODE.messageTooLarge;
    const refusal = tooLarge
      ? new ChatError("too_large", "Kafka takes no records of that size.", { field: "value", cause: error })
      : unavailable("Kafka refused a record", error);
    for (const { call } of batch.entries) this.#reject(call, refusal);
  }

  #again(outbox: Outbox): void {
    outbox.failures++;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(outbox.failures - 1, 10));
    outbox.notBefore = performance.now() + pause;
  }

  async #look(): Promise<void> {
    try {
      this.#topic = await this.#options.topics.look(this.#options.topic);
    } catch (error) {
      this.#options.settings.onError(unavailable(`Topic ${this.#options.topic} can't be looked up`, error));
    }
  }

  #giveUpLate(): void {
    const now = performance.now();
    for (const call of this.#calls) {
      if (call.deadline > now) break;
      this.#reject(call, new ChatError("store_unavailable", "Kafka didn't take a record in time."));
    }
  }

  /** Rejects a call, and with it what was published after it to the same partitions. */
  #reject(call: Call, error: Error): void {
    if (call.settled) return;
    this.#settle(call, error);
    this.#refuseForNow(error);
    for (const partition of call.partitions) {
      const outbox = this.#outboxes[partition] as Outbox;
      const dropped = outbox.drop(call.order);
      for (const { value } of dropped) this.#bytes -= value.length;
      const after: readonly Entry[] = [...(outbox.batch?.entries ?? []), ...dropped];
      for (const entry of after) if (entry.call.order > call.order) this.#reject(entry.call, error);
    }
  }

  /** Who is called back learns of the rejection in this turn of the event loop, and may publish before that. */
  #refuseForNow(error: Error): void {
    if (this.#refusing !== null) return;
    this.#refusing = error;
    setImmediate(() => {
      this.#refusing = null;
    });
  }

  #settle(call: Call, error: Error | null): void {
    if (call.settled) return;
    call.settled = true;
    this.#calls.delete(call);
    if (error === null) call.resolve();
    else call.reject(error);
  }

  /** Comes back when the oldest call is late, or a batch may be sent again. */
  #wakeLater(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    const times = this.#outboxes.filter((outbox) => outbox.batch !== null && !outbox.busy).map((o) => o.notBefore);
    const [oldest] = this.#calls;
    if (oldest !== undefined) times.push(oldest.deadline);
    const next = Math.min(...times.filter((time) => time > now));
    if (Number.isFinite(next)) this.#timer = setTimeout(() => this.#schedule(), next - now + 1).unref();
  }
}

interface Fault {
  readonly error: unknown;
  /** It isn't stored, and won't be. */
  readonly final: boolean;
}

function faultOf(code: number | undefined, error: unknown): Fault | null {
  if (code === 0 || code === CODE.duplicateSequence) return null;
  if (code === undefined) return { error, final: false };
  const found = (error as { findBy?(property: string, value: unknown): { canRetry?: boolean } | null }).findBy?.(
    "apiCode",
    code,
  );
  return { error, final: found?.canRetry !== true };
}
