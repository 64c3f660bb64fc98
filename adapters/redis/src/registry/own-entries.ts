import type { ConnectionEntry } from "sentseen/ports";

interface Kept {
  readonly entry: ConnectionEntry;
  /** When it was last known to be in Redis, by this process's monotonic clock. */
  refreshed: number;
}

/** The entries of one node, in the order in which they were last refreshed. */
export class OwnEntries {
  readonly #kept = new Map<string, Kept>();

  add(entry: ConnectionEntry, now: number): void {
    this.#kept.set(nameOf(entry), { entry, refreshed: now });
  }

  has(entry: ConnectionEntry): boolean {
    return this.#kept.has(nameOf(entry));
  }

  delete(entry: ConnectionEntry): void {
    this.#kept.delete(nameOf(entry));
  }

  clear(): void {
    this.#kept.clear();
  }

  all(): ConnectionEntry[] {
    return [...this.#kept.values()].map(({ entry }) => entry);
  }

  /** Those that were refreshed before `time`, the oldest first, at most `limit`. */
  dueAt(time: number, limit: number): ConnectionEntry[] {
    const due: ConnectionEntry[] = [];
    for (const { entry, refreshed } of this.#kept.values()) {
      if (refreshed >= time || due.length === limit) break;
      due.push(entry);
    }
    return due;
  }

  refreshed(entries: readonly ConnectionEntry[], now: number): void {
    for (const entry of entries) {
      const name = nameOf(entry);
      const kept = this.#kept.get(name);
      if (kept === undefined) continue;
      kept.refreshed = now;
      this.#kept.delete(name);
      this.#kept.set(name, kept);
    }
  }
}

/** Generations are one device's: two devices may have the same. */
function nameOf({ generation, device_id, user }: ConnectionEntry): string {
  return `${generation}:${device_id}:${user}`;
}
