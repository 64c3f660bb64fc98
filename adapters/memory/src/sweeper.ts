/** A row that goes by itself. */
export interface Doomed {
  /** Milliseconds since 1970 after which the row goes; null for never. */
  readonly expires_at: number | null;
}

/** Walks over rows, deletes those for which `expired` holds, and pauses after each one that it looked at. */
export type Examination = (expired: (row: Doomed) => boolean) => Generator<void>;

/**
 * A sweep in slices: each call looks at `limit` rows, going on from where the last one stopped, and answers whether
 * it came to the end of the last examination.
 */
export function sweeper(examinations: readonly Examination[]): (now: number, limit: number) => boolean {
  let until = Number.NEGATIVE_INFINITY;
  const expired = (row: Doomed) => row.expires_at !== null && row.expires_at <= until;
  function* all(): Generator<void> {
    for (const examine of examinations) yield* examine(expired);
  }
  let pass = all();
  return (now, limit) => {
    until = now;
    for (let looked = 0; looked < limit; looked++) {
      if (!pass.next().done) continue;
      pass = all();
      return true;
    }
    return false;
  };
}
