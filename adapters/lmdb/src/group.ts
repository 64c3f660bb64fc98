import type { Consumer, Offset } from "sentseen/ports";
import { Tenure } from "./tenure.js";
import type { TopicLog } from "./topic-log.js";

/** How long a new owner waits for the last one to return from its callbacks. */
const HANDOVER_MS = 30_000;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** Consumers of one group: the first that is there owns the partition, the others wait. */
export class Group {
  readonly #log: TopicLog;
  #members: Consumer[] = [];
  #tenure: { readonly owner: Consumer; readonly of: Tenure } | null = null;
  #turn: Promise<void> = Promise.resolve();
  #pause = FIRST_PAUSE_MS;
  #endPause: () => void = () => {};
  #committed: Offset | null = null;

  constructor(log: TopicLog) {
    this.#log = log;
  }

  /** Records at or before this are wanted by nobody of the group; null where it hasn't said. */
  get committed(): Offset | null {
    return this.#committed;
  }

  commit(offset: Offset): void {
    this.#committed = Math.max(this.#committed ?? offset, offset);
  }

  join(member: Consumer): void {
    this.#members.push(member);
    this.#turn = this.#turn.then(() => this.#settle());
  }

  /** Resolves when the member knows that it owns nothing any more. */
  async leave(member: Consumer): Promise<void> {
    this.#members = this.#members.filter((other) => other !== member);
    this.#endPause();
    const losing = this.#tenure?.owner === member ? this.#tenure.of.end() : null;
    this.#turn = this.#turn.then(() => this.#settle());
    if (losing !== null) await withinHandover(losing);
  }

  async disband(): Promise<void> {
    await Promise.all(this.#members.map((member) => this.leave(member)));
  }

  async #settle(): Promise<void> {
    const [wanted] = this.#members;
    if (this.#tenure !== null && this.#tenure.owner !== wanted) await this.#endTenure(this.#tenure.of);
    const [owner] = this.#members;
    if (this.#tenure !== null || owner === undefined) return;
    const tenure: Tenure = new Tenure({
      log: this.#log,
      consumer: owner,
      onCheckpoint: (offset) => this.commit(offset),
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
    if (this.#members.length > 0) await this.#breathe();
    await this.#settle();
  }

  async #endTenure(tenure: Tenure): Promise<void> {
    await withinHandover(tenure.over());
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

/** Resolves with the promise, or when whoever is at it has had long enough. */
async function withinHandover(promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, HANDOVER_MS).unref();
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
