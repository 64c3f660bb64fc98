import { type ClientStore, memoryStore, type StoreContents } from "../../src/client/index.js";
import { pause } from "./deadline.js";
import type { Random } from "./random.js";

/** Entries that a store keeps: all of a run. */
const ALL = 1_000_000;

/**
 * What survives of a device when its application dies: a store in memory that can be opened again. Whoever had it
 * open before gets no answer any more, as a process that was killed wouldn't.
 */
export class CrashStore {
  private readonly inner = memoryStore({ entries: ALL });
  private life = 0;

  constructor(private readonly random: Random) {}

  /** The store for the application's next life. */
  open(): ClientStore {
    const mine = ++this.life;
    const { inner, random } = this;
    const alive = async <T>(work: () => Promise<T>): Promise<T> => {
      if (mine !== this.life) return new Promise<never>(() => {});
      const result = await work();
      // A disk takes a while, so that an application can die between the write and the news of it.
      if (random.chance(0.2)) await pause(random.between(1, 4));
      return mine === this.life ? result : new Promise<never>(() => {});
    };
    return {
      open: () => alive(() => inner.open()),
      write: (step) => alive(() => inner.write(step)),
      entries: (range) => alive(() => inner.entries(range)),
      record: (name) => alive(() => inner.record(name)),
      close: () => alive(() => inner.close()),
    };
  }

  /** What it holds besides entries, whoever has it open. */
  contents(): Promise<StoreContents> {
    // In one turn, so that nobody finds it closed.
    void this.inner.close();
    return this.inner.open();
  }

  /** The application that has the store open dies. */
  async crash(): Promise<void> {
    this.life++;
    await this.inner.close();
  }
}
