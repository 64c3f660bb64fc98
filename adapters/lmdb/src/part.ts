import { ChatError } from "sentseen/ports";
import type { Environment } from "./environment.js";
import { checkLog } from "./log-rows.js";
import type { LogTrim } from "./log-trim.js";
import { within } from "./within.js";

/** Storage and queue share one environment: the first that opens opens it, the last that closes closes it. */
export class SharedEnvironment {
  readonly #environment: Environment;
  readonly #trim: LogTrim;
  readonly #deadlineMs: number;
  #users = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(environment: Environment, trim: LogTrim, deadlineMs: number) {
    this.#environment = environment;
    this.#trim = trim;
    this.#deadlineMs = deadlineMs;
  }

  /** A part that will use it. */
  part(name: string): Part {
    return new Part(name, this, this.#deadlineMs);
  }

  enter(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#users === 0) await this.#open();
      this.#users++;
    });
  }

  leave(): Promise<void> {
    return this.#inTurn(async () => {
      this.#users--;
      if (this.#users > 0) return;
      await this.#trim.stop();
      await this.#environment.close();
    });
  }

  async #open(): Promise<void> {
    await this.#environment.open();
    try {
      checkLog(this.#environment.rows());
    } catch (error) {
      await this.#environment.close();
      throw error;
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** One port's use of the shared environment. */
export class Part {
  readonly #name: string;
  readonly #shared: SharedEnvironment;
  readonly #deadlineMs: number;
  #open = false;
  #closing: Promise<void> | null = null;

  constructor(name: string, shared: SharedEnvironment, deadlineMs: number) {
    this.#name = name;
    this.#shared = shared;
    this.#deadlineMs = deadlineMs;
  }

  async open(): Promise<void> {
    await this.#closing;
    if (this.#open) return;
    await this.#shared.enter();
    this.#open = true;
  }

  /** Refuses what comes from now on, waits until `finish` is done, and leaves. Idempotent. */
  async close(finish: () => Promise<void>): Promise<void> {
    if (this.#open) {
      this.#open = false;
      this.#closing = this.#leave(finish);
    }
    await this.#closing;
  }

  mustBeOpen(): void {
    if (!this.#open) throw new ChatError("closed", `The LMDB ${this.#name} is not open.`);
  }

  async #leave(finish: () => Promise<void>): Promise<void> {
    const left = finish().then(() => this.#shared.leave());
    await within(left, this.#deadlineMs, `Closing the LMDB ${this.#name}`);
  }
}
