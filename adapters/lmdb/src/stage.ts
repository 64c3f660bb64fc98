import type { DatabaseName, Databases, RowChange } from "./databases.js";

/** The changes of one transaction while they are worked out: reading sees those made so far over the stored rows. */
export class Stage {
  readonly #rows: Databases;
  readonly #changes = new Map<DatabaseName, Map<string, RowChange>>();

  constructor(rows: Databases) {
    this.#rows = rows;
  }

  get(rows: DatabaseName, key: Buffer): Buffer | undefined {
    const staged = this.#changes.get(rows)?.get(key.toString("latin1"));
    return staged === undefined ? this.#rows[rows].get(key) : (staged.value ?? undefined);
  }

  put(rows: DatabaseName, key: Buffer, value: Buffer): void {
    this.#set({ rows, key, value });
  }

  remove(rows: DatabaseName, key: Buffer): void {
    this.#set({ rows, key, value: null });
  }

  /** Whether the row was changed here already. */
  has(rows: DatabaseName, key: Buffer): boolean {
    return this.#changes.get(rows)?.has(key.toString("latin1")) ?? false;
  }

  /** Removes the stored rows with `from` ≤ key < `to`, at most `limit`. Answers whether those were all. */
  removeStored(rows: DatabaseName, from: Buffer, to: Buffer, limit: number): boolean {
    let left = limit;
    for (const key of this.#rows[rows].getKeys({ start: from, end: to, limit: limit + 1 })) {
      if (left-- === 0) return false;
      this.remove(rows, key);
    }
    return true;
  }

  /** What was changed here so far. */
  staged(rows: DatabaseName): RowChange[] {
    return [...(this.#changes.get(rows)?.values() ?? [])];
  }

  /** The stored rows, without what was changed here. */
  get stored(): Databases {
    return this.#rows;
  }

  changes(): RowChange[] {
    return [...this.#changes.values()].flatMap((changes) => [...changes.values()]);
  }

  #set(change: RowChange): void {
    let changes = this.#changes.get(change.rows);
    if (changes === undefined) {
      changes = new Map();
      this.#changes.set(change.rows, changes);
    }
    changes.set(change.key.toString("latin1"), change);
  }
}
