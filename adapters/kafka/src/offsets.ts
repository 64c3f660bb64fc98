import type { Offset } from "sentseen/ports";

/**
 * Offsets of one life of a topic. Kafka counts from 0 in each; here they go on above those of the life before: each
 * begins with the microsecond of its creation, and no partition takes a million records a second for long.
 */
export interface Offsets {
  /** The offset of the record with Kafka's offset `at`. */
  of(at: bigint): Offset;
  /** Kafka's offset of the first record beyond `offset`; 0 for an offset of an earlier life. */
  after(offset: Offset): bigint;
}

/** @param createdAt milliseconds since 1970 at which this life of the topic began */
export function offsetsSince(createdAt: number): Offsets {
  const base = createdAt * 1_000;
  return {
    of: (at) => base + 1 + Number(at),
    after: (offset) => (offset <= base ? 0n : BigInt(offset - base)),
  };
}
