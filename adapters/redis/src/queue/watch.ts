interface Seen {
  readonly value: string;
  /** When it was first seen, by this process's monotonic clock. */
  readonly since: number;
}

/**
 * What others say in Redis, and for how long each has said the same. No clock but this process's own counts, so it
 * doesn't matter what time a server thinks it is, nor that it is another server now.
 */
export class Watch {
  #seen = new Map<string, Seen>();

  /** All that is said by now. */
  update(values: ReadonlyMap<string, string>, now: number): void {
    const seen = new Map<string, Seen>();
    for (const [name, value] of values) {
      const before = this.#seen.get(name);
      seen.set(name, before?.value === value ? before : { value, since: now });
    }
    this.#seen = seen;
  }

  /** For how long it has said what it says now; 0 where it says nothing. */
  unchangedFor(name: string, now: number): number {
    const seen = this.#seen.get(name);
    return seen === undefined ? 0 : now - seen.since;
  }

  /** The way to Redis was lost: what was seen before says nothing of what went on meanwhile. */
  forget(): void {
    this.#seen.clear();
  }
}
