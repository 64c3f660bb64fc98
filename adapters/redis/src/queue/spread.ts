export interface Spread {
  readonly partitions: number;
  /** The live members of the group, this one too, in the order that all see them in. */
  readonly members: readonly string[];
  readonly me: string;
  /** What this member holds. */
  readonly mine: readonly number[];
  /** What may be taken. */
  readonly free: readonly number[];
}

/**
 * What a member should let go and what it should take, so that each has as many partitions as every other, or one
 * more. Moves no partition that needn't move.
 */
export function spread({ partitions, members, me, mine, free }: Spread): { release: number[]; take: number[] } {
  const index = members.indexOf(me);
  const quota = Math.floor(partitions / members.length) + (index < partitions % members.length ? 1 : 0);
  if (mine.length > quota) return { release: mine.slice(quota), take: [] };
  // Each begins elsewhere, so that two seldom reach for the same.
  const start = Math.floor((index * partitions) / members.length);
  const from = (partition: number) => (partition - start + partitions) % partitions;
  const take = [...free].sort((one, other) => from(one) - from(other)).slice(0, quota - mine.length);
  return { release: [], take };
}
