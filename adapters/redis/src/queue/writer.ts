import { randomUUID } from "node:crypto";
import { ChatError, type Offset } from "sentseen/ports";
import { queueScripts } from "../link/lua-files.js";
import type { Servers } from "../link/servers.js";
import { ChunkBuilder } from "./chunk.js";
import type { QueueKeys } from "./queue-keys.js";

/** A publisher is remembered for so long after its last call, and calls itself another one after half of it. */
const REMEMBERED_MS = 24 * 60 * 60_000;

/** So long after the last call it is looked whether the log still knows it: what a failover forgets, it forgets by then. */
const CHECK_MS = 3_000;

export interface WriterOptions {
  readonly servers: Servers;
  readonly keys: QueueKeys;
  readonly partition: number;
  /** Bytes that the partition's log may take. */
  readonly maxBytes: number;
  /** Resolves when the topic is known to have as many partitions as are meant. */
  ready(): Promise<void>;
  /** So many bytes wait no more. */
  drained(bytes: number): void;
}

interface Batch {
  readonly chunk: ChunkBuilder;
  readonly done: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Publishes to one partition. One chunk is under way at a time, and what comes meanwhile gathers for the next. When one
 * fails, all that gathered behind it fails with it. Calls are numbered, so that one which failed and arrives late is
 * refused, and so that a log which forgot one is found out.
 */
export class Writer {
  readonly #options: WriterOptions;
  #waiting: Batch[] = [];
  #running: Promise<void> | null = null;
  #publisher: string = randomUUID();
  #number = 0;
  #confirmed = 0;
  #known: Offset = 0;
  #called = performance.now();
  #check: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Copies a record. Resolves when it is stored; the same promise for all that go in one chunk. */
  add(key: string, value: Uint8Array): { readonly done: Promise<void>; readonly bytes: number } {
    let batch = this.#waiting.at(-1);
    if (batch === undefined || batch.chunk.full) {
      batch = newBatch();
      this.#waiting.push(batch);
    }
    const before = batch.chunk.size;
    batch.chunk.add(key, value);
    // In a later turn of the event loop, so that all that this one brings goes together.
    this.#running ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.#run());
    return { done: batch.done, bytes: batch.chunk.size - before };
  }

  /** Resolves when nothing is under way, within the deadlines of what is. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#check !== null) clearTimeout(this.#check);
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    if (this.#check !== null) clearTimeout(this.#check);
    for (let batch = this.#waiting.shift(); batch !== undefined; batch = this.#waiting.shift()) {
      try {
        await this.#options.ready();
        await this.#call(batch.chunk);
        batch.resolve();
      } catch (error) {
        for (const failed of [batch, ...this.#waiting.splice(0)]) {
          failed.reject(error);
          if (failed !== batch) this.#options.drained(failed.chunk.size);
        }
      }
      this.#options.drained(batch.chunk.size);
    }
    this.#running = null;
    this.#checkLater();
  }

  #checkLater(): void {
    if (this.#closed || this.#number === 0) return;
    this.#check = setTimeout(() => {
      this.#running ??= this.#lookAgain();
    }, CHECK_MS);
  }

  async #lookAgain(): Promise<void> {
    let known = false;
    try {
      await this.#call(null);
      known = true;
    } catch {
      // Redis is away: what it forgot meanwhile is seen when it is back.
    }
    this.#running = null;
    if (this.#waiting.length > 0) this.#running = this.#run();
    else if (!known) this.#checkLater();
  }

  /** Stores a chunk, or only looks. */
  async #call(chunk: ChunkBuilder | null): Promise<void> {
    const { servers, keys, partition, maxBytes } = this.#options;
    const now = performance.now();
    if (now - this.#called > REMEMBERED_MS / 2) {
      this.#publisher = randomUUID();
      this.#number = 0;
      this.#confirmed = 0;
    }
    this.#called = now;
    const number = ++this.#number;
    const [status, last] = (await queueScripts.publish.run(
      servers,
      [keys.log(partition), keys.facts(partition), keys.publisher(partition, this.#publisher), keys.wake(partition)],
      [number, this.#confirmed, this.#known, chunk?.count ?? 0, chunk?.bytes() ?? "", maxBytes, REMEMBERED_MS],
    )) as Buffer[];
    this.#known = Math.max(this.#known, Number(last));
    if (String(status) === "full") {
      throw new ChatError("store_unavailable", `Partition ${partition} holds as much as it may uncommitted.`, {
        limit: maxBytes,
      });
    }
    if (String(status) !== "ok") throw new ChatError("store_unavailable", "A later call was stored before this one.");
    this.#confirmed = number;
  }
}

function newBatch(): Batch {
  let settle: Pick<Batch, "resolve" | "reject"> | undefined;
  const done = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Every publisher has a promise that depends on this one and deals with its failure.
  done.catch(() => {});
  return { chunk: new ChunkBuilder(), done, ...(settle as Pick<Batch, "resolve" | "reject">) };
}
