import { ChatError } from "sentseen/ports";

interface Entry<Batch> {
  readonly batch: Batch;
  readonly done: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export interface GroupCommitOptions<Batch> {
  make(): Batch;
  /** Whether nothing more should go into a batch. */
  full(batch: Batch): boolean;
  commit(batch: Batch): Promise<void>;
  /** A commit has landed. The next one has begun by then, and is written while this works. */
  landed?(batch: Batch): void;
  /** Milliseconds after which a commit that hasn't ended counts as failed. */
  readonly deadlineMs: number;
}

/**
 * One commit at a time, while what comes meanwhile gathers for the next: so a commit carries more the longer the last
 * one took, and all that meet share one promise.
 *
 * When a commit fails, all that gathered behind it fails with it: nothing that was asked for later lands in place of
 * something earlier. After a commit that doesn't end in time nothing is taken in until it has ended.
 */
export class GroupCommit<Batch> {
  readonly #options: GroupCommitOptions<Batch>;
  /** Oldest first; the last one is still open. */
  #gathering: Entry<Batch>[] = [];
  #flying: Entry<Batch> | null = null;
  #start: NodeJS.Immediate | null = null;
  #stalled = false;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions<Batch>) {
    this.#options = options;
  }

  /** The batch to add to now, and the promise that it is committed. Throws `store_unavailable` while stalled. */
  open(): { readonly batch: Batch; readonly done: Promise<void> } {
    if (this.#stalled) throw new ChatError("store_unavailable", "The last commit doesn't come to an end.");
    const last = this.#gathering.at(-1);
    if (last !== undefined && !this.#options.full(last.batch)) return last;
    const entry = newEntry(this.#options.make());
    this.#gathering.push(entry);
    // At the end of this turn of the event loop, so that all that it brings is in it.
    if (this.#flying === null) this.#start ??= setImmediate(() => this.#next());
    return entry;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#flying === null && this.#gathering.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    if (this.#start !== null) clearImmediate(this.#start);
    this.#start = null;
    const entry = this.#gathering.shift();
    if (entry === undefined) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#flying = entry;
    const deadline = setTimeout(() => this.#stall(entry), this.#options.deadlineMs);
    const ended = () => {
      clearTimeout(deadline);
      this.#flying = null;
      this.#stalled = false;
    };
    this.#commit(entry.batch).then(
      () => {
        ended();
        this.#next();
        this.#options.landed?.(entry.batch);
        entry.resolve();
      },
      (error: unknown) => {
        ended();
        this.#fail([entry, ...this.#gathering.splice(0)], error);
        this.#next();
      },
    );
  }

  async #commit(batch: Batch): Promise<void> {
    await this.#options.commit(batch);
  }

  #stall(entry: Entry<Batch>): void {
    this.#stalled = true;
    const text = `A commit did not end within ${this.#options.deadlineMs} ms.`;
    this.#fail([entry, ...this.#gathering.splice(0)], new ChatError("store_unavailable", text));
  }

  #fail(entries: readonly Entry<Batch>[], error: unknown): void {
    for (const entry of entries) entry.reject(error);
  }
}

function newEntry<Batch>(batch: Batch): Entry<Batch> {
  let settle: Pick<Entry<Batch>, "resolve" | "reject"> | undefined;
  const done = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Every caller has this promise and deals with its failure; a batch that nothing was added to has no caller.
  done.catch(() => {});
  return { batch, done, ...(settle as Pick<Entry<Batch>, "resolve" | "reject">) };
}
