import { ChatError } from "sentseen/ports";
import type { Statement } from "./client.js";

/** Bytes of statements that go in one batch, unless they have to land together. */
const BATCH_BYTES = 256 * 1024;

/** Bytes that can land together: half of what the engines take in one write, by their defaults. */
export const ATOMIC_BYTES = 8 * 1024 * 1024;

/** Statements of one batch that the protocol can count. */
const MAX_STATEMENTS = 65_535;

/** What a statement takes beside its values. */
const STATEMENT_BYTES = 64;

/**
 * Statements by the partition they change, cut into batches. Those of one partition keep their order; each batch of
 * one partition lands whole, and is seen whole or not at all.
 */
export class Batches {
  readonly #partitions = new Map<string, { readonly batches: Statement[][]; bytes: number }>();

  /**
   * Adds statements that land together; only where they are more than `ATOMIC_BYTES` or 65,535 they land in several
   * parts, in their order. Throws `too_large` for a value that can't land at all.
   */
  add(partition: string, statements: readonly Statement[]): void {
    let there = this.#partitions.get(partition);
    if (there === undefined) {
      there = { batches: [], bytes: Number.POSITIVE_INFINITY };
      this.#partitions.set(partition, there);
    }
    const sizes = statements.map(sizeOf);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (there.bytes + total > BATCH_BYTES) start(there);
    for (const [index, statement] of statements.entries()) {
      const size = sizes[index] as number;
      const full = there.batches.at(-1)?.length === MAX_STATEMENTS || there.bytes + size > ATOMIC_BYTES;
      if (full) start(there);
      there.batches.at(-1)?.push(statement);
      there.bytes += size;
    }
  }

  /** The batches of each partition, in the order in which they must land. */
  list(): Statement[][][] {
    return [...this.#partitions.values()].map(({ batches }) => batches.filter((batch) => batch.length > 0));
  }
}

function start(partition: { readonly batches: Statement[][]; bytes: number }): void {
  partition.batches.push([]);
  partition.bytes = 0;
}

function sizeOf({ params }: Statement): number {
  let bytes = STATEMENT_BYTES;
  for (const param of params) {
    if (param instanceof Uint8Array || typeof param === "string") bytes += param.length;
  }
  if (bytes > ATOMIC_BYTES) {
    throw new ChatError("too_large", "A value is too large for one write.", { field: "value", limit: ATOMIC_BYTES });
  }
  return bytes;
}
