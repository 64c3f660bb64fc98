import type { Consumer } from "../../../src/ports/index.js";
import type { PartitionLog } from "./partition-log.js";
import { Tenure } from "./tenure.js";
import { settledWithin } from "./within.js";

/** How long a new owner waits for the last one to return from its callbacks. */
const HANDOVER_MS = 30_000;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** A partition as one group sees it: who should own it, who does, and the pause after a failure. */
export class Slot {
  readonly #partition: number;
  readonly #log: PartitionLog;
  readonly #batch: number;
  #wanted: Consumer | null = null;
  #tenure: { readonly owner: Consumer; readonly of: Tenure } | null = null;
  #turn: Promise<void> = Promise.resolve();
  #pause = FIRST_PAUSE_MS;
  #endPause: () => void = () => {};

  constructor(partition: number, log: PartitionLog, batch: number) {
    this.#partition = partition;
    this.#log = log;
    this.#batch = batch;
  }

  /** Gives the partition to a consumer, or to nobody. Resolves when the one that loses it knows. */
  give(owner: Consumer | null): Promise<void> {
    this.#wanted = owner;
    this.#endPause();
    const losing = this.#tenure !== null && this.#tenure.owner !== owner ? this.#tenure.of.end() : Promise.resolve();
    this.#turn = this.#turn.then(() => this.#settle());
    return settledWithin(losing, HANDOVER_MS);
  }

  async #settle(): Promise<void> {
    if (this.#tenure !== null && this.#tenure.owner !== this.#wanted) await this.#endTenure(this.#tenure.of);
    const owner = this.#wanted;
    if (this.#tenure !== null || owner === null) return;
    const tenure: Tenure = new Tenure({
      partition: this.#partition,
      log: this.#log,
      consumer: owner,
      batch: this.#batch,
      onProgress: () => {
        this.#pause = FIRST_PAUSE_MS;
      },
      onFailure: () => {
        this.#turn = this.#turn.then(() => this.#startAgain(tenure));
      },
    });
    this.#tenure = { owner, of: tenure };
  }

  async #startAgain(failed: Tenure): Promise<void> {
    if (this.#tenure?.of !== failed) return;
    await this.#endTenure(failed);
    if (this.#wanted !== null) await this.#breathe();
    await this.#settle();
  }

  async #endTenure(tenure: Tenure): Promise<void> {
    await settledWithin(tenure.over(), HANDOVER_MS);
    this.#tenure = null;
  }

  async #breathe(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#endPause = resolve;
      timer = setTimeout(resolve, this.#pause);
    });
    clearTimeout(timer);
    this.#endPause = () => {};
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}
