interface Seen {
  readonly value: string;
  /** When it was first seen, by this process's monotonic clock. */
  readonly since: number;
}

/**
 * What others say of themselves in Redis, and for how long each has said the same. No clock but this process's own
 * counts, so it doesn't matter what time a server thinks it is, nor that it is another server now.
 */
export class Watch {
  #seen = new Map<string, Seen>();

  /** What is there as a whole. What isn't there counts as said too, once it has been asked for. */
  update(values: ReadonlyMap<string, string>, now: number): void {
    const seen = new Map<string, Seen>();
    for (const [name, { value, since }] of this.#seen) {
      if (value === "" && !values.has(name)) seen.set(name, { value, since });
    }
    for (const [name, value] of values) {
      const before = this.#seen.get(name);
      seen.set(name, before?.value === value ? before : { value, since: now });
    }
    this.#seen = seen;
  }

  /** For how long it has said what it says now, or nothing. */
  unchangedFor(name: string, now: number): number {
    let seen = this.#seen.get(name);
    if (seen === undefined) {
      seen = { value: "", since: now };
      this.#seen.set(name, seen);
    }
    return now - seen.since;
  }

  /** The way to Redis was lost: what was seen before says nothing of what went on meanwhile. */
  forget(): void {
    this.#seen.clear();
  }
}
