import type { Versioned } from "../../../src/ports/index.js";

/** Values by key; of two versions of one the greater offset stays, in whatever order they come. [R2 e] */
export class Latest {
  readonly #values = new Map<string, Versioned>();

  get(key: string): Versioned | null {
    return this.#values.get(key) ?? null;
  }

  set(key: string, { value, offset }: Versioned): void {
    const there = this.#values.get(key);
    if (there !== undefined && there.offset > offset) return;
    this.#values.set(key, { value: bytesOf(value), offset });
  }
}

/** A copy of its own: what a caller hands over may be a view of memory that it uses again. */
export function bytesOf(view: Uint8Array): Uint8Array {
  return new Uint8Array(view);
}
