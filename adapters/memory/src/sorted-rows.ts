/** Rows in ascending order of a number of theirs, found by bisection. */
export class SortedRows<Row> {
  readonly #key: (row: Row) => number;
  #rows: Row[] = [];

  constructor(key: (row: Row) => number) {
    this.#key = key;
  }

  get size(): number {
    return this.#rows.length;
  }

  get(key: number): Row | undefined {
    const row = this.#rows[this.#firstFrom(key)];
    return row !== undefined && this.#key(row) === key ? row : undefined;
  }

  /** Puts a row in its place; one with the same key is replaced. */
  set(row: Row): void {
    const key = this.#key(row);
    const at = this.#firstFrom(key);
    const there = this.#rows[at];
    if (there === undefined) this.#rows.push(row);
    else this.#rows.splice(at, this.#key(there) === key ? 1 : 0, row);
  }

  delete(key: number): void {
    const at = this.#firstFrom(key);
    const there = this.#rows[at];
    if (there !== undefined && this.#key(there) === key) this.#rows.splice(at, 1);
  }

  /** Answers the rows that went. */
  deleteUpTo(key: number): Row[] {
    return this.#rows.splice(0, this.#firstAfter(key));
  }

  /** The first rows with `after` < key < `before`, at most `limit`. */
  first(after: number, before: number, limit: number): Row[] {
    const from = this.#firstAfter(after);
    return this.#rows.slice(from, Math.max(from, Math.min(from + limit, this.#firstFrom(before))));
  }

  /** The last rows with `after` < key < `before`, at most `limit`, in ascending order. */
  last(after: number, before: number, limit: number): Row[] {
    const to = this.#firstFrom(before);
    return this.#rows.slice(Math.max(this.#firstAfter(after), to - limit), to);
  }

  #firstAfter(key: number): number {
    return this.#bisect((there) => there > key);
  }

  #firstFrom(key: number): number {
    return this.#bisect((there) => there >= key);
  }

  #bisect(reached: (key: number) => boolean): number {
    // Most rows arrive in order, at the end.
    const newest = this.#rows.at(-1);
    if (newest === undefined || !reached(this.#key(newest))) return this.#rows.length;
    let low = 0;
    let high = this.#rows.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (reached(this.#key(this.#rows[middle] as Row))) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
