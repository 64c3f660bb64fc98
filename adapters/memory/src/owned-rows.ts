import { getOrMake } from "./get-or-make.js";
import { SortedRows } from "./sorted-rows.js";
import type { Doomed } from "./sweeper.js";

/** Ordered rows of many owners (users, conversations); an owner without rows takes no memory. */
export class OwnedRows<Row extends Doomed> {
  readonly #key: (row: Row) => number;
  readonly #owners = new Map<string, SortedRows<Row>>();

  constructor(key: (row: Row) => number) {
    this.#key = key;
  }

  of(owner: string): SortedRows<Row> | undefined {
    return this.#owners.get(owner);
  }

  set(owner: string, row: Row): void {
    getOrMake(this.#owners, owner, () => new SortedRows(this.#key)).set(row);
  }

  deleteUpTo(owner: string, key: number): void {
    const rows = this.#owners.get(owner);
    rows?.deleteUpTo(key);
    if (rows?.size === 0) this.#owners.delete(owner);
  }

  /** Deletes what is expired, pausing after each row. Rows may come and go in the pauses. */
  *examine(expired: (row: Doomed) => boolean): Generator<void> {
    for (const [owner, rows] of this.#owners) {
      let row = rows.first(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 1)[0];
      while (row !== undefined) {
        const key = this.#key(row);
        if (expired(row)) rows.delete(key);
        yield;
        row = rows.first(key, Number.POSITIVE_INFINITY, 1)[0];
      }
      if (rows.size === 0 && this.#owners.get(owner) === rows) this.#owners.delete(owner);
    }
  }
}
