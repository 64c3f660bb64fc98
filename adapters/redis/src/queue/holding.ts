import type { Consumer } from "sentseen/ports";
import { settledWithin } from "../link/within.js";
import type { PartitionLog } from "./partition-log.js";
import { Tenure } from "./tenure.js";

/** How long a partition that is given up waits for the consumer to return from its callbacks. */
const HANDOVER_MS = 30_000;

const PAUSE_MS = { first: 50, most: 5_000 };

export interface HoldingOptions {
  readonly partition: number;
  /** Of the lease. */
  readonly generation: string;
  readonly log: PartitionLog;
  readonly group: string;
  readonly consumer: Consumer;
  /** Until when the lease is surely valid, by this process's monotonic clock. */
  readonly until: number;
}

/** A partition that a member has a lease on: tenures of its consumer, one after another, as long as the lease lasts. */
export class Holding {
  readonly partition: number;
  readonly generation: string;
  /** Resolves when it was ended and no callback of the consumer's is running any more, or has had long enough. */
  readonly over: Promise<void>;
  readonly #options: HoldingOptions;
  readonly #running: Promise<void>;
  #until: number;
  #timer: NodeJS.Timeout | null = null;
  #tenure: Tenure | null = null;
  #ended = false;
  #endPause: () => void = () => {};
  #isOver: () => void = () => {};

  constructor(options: HoldingOptions) {
    this.#options = options;
    this.partition = options.partition;
    this.generation = options.generation;
    this.#until = options.until;
    this.over = new Promise((resolve) => {
      this.#isOver = resolve;
    });
    this.#watch();
    this.#running = this.#run();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether it has neither been ended nor run out. Once false it stays false. */
  get valid(): boolean {
    return !this.#ended && performance.now() < this.#until;
  }

  /** The lease is valid for longer. It doesn't come back once it has run out. */
  prolong(until: number): void {
    if (this.valid) this.#until = Math.max(this.#until, until);
    else void this.end();
  }

  wake(): void {
    this.#tenure?.wake();
  }

  /** Ends it, at once as far as the lease goes. Resolves when `revoked` has returned. Idempotent. */
  async end(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#endPause();
      void this.#finish();
    }
    await this.#tenure?.end();
  }

  async #finish(): Promise<void> {
    void this.#tenure?.end();
    await settledWithin(this.#running, HANDOVER_MS);
    this.#isOver();
  }

  /** Ends it when the lease has run out. */
  #watch(): void {
    this.#timer = setTimeout(
      () => {
        if (this.valid) this.#watch();
        else void this.end();
      },
      Math.max(1, this.#until - performance.now()),
    );
  }

  async #run(): Promise<void> {
    const { log, group, partition, consumer } = this.#options;
    let pause = PAUSE_MS.first;
    while (this.valid) {
      const tenure = new Tenure({ log, group, partition, consumer, valid: () => this.valid });
      this.#tenure = tenure;
      const outcome = await tenure.run();
      if (tenure.progress) pause = PAUSE_MS.first;
      if (outcome !== "failed") continue;
      await this.#breathe(pause);
      pause = Math.min(pause * 2, PAUSE_MS.most);
    }
    void this.end();
  }

  async #breathe(ms: number): Promise<void> {
    if (!this.valid) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#endPause = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}
