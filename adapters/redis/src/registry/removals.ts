/** Beyond so many, the oldest are left to run out in Redis. */
const MAX_REMOVALS = 10_000;

/** Removals of entries that couldn't be made, until they can. Each may be repeated. */
export class Removals {
  #waiting: (() => Promise<void>)[] = [];

  add(remove: () => Promise<void>): void {
    this.#waiting.push(remove);
    if (this.#waiting.length > MAX_REMOVALS) this.#waiting.shift();
  }

  /** Makes them all. Rejects where one couldn't be made: then all wait again. */
  async make(): Promise<void> {
    const removals = this.#waiting;
    this.#waiting = [];
    try {
      await Promise.all(removals.map((remove) => remove()));
    } catch (error) {
      for (const remove of removals) this.add(remove);
      throw error;
    }
  }
}
