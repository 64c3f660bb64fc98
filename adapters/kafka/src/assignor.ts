/** A member of a group, with the partitions that it owns. */
export interface Claimant {
  readonly id: string;
  readonly owned: readonly number[];
  /** The generation in which it got them. */
  readonly generation: number;
}

/**
 * Spreads partitions evenly and moves as few as it can. One that has to move is given to nobody in this round: its
 * owner gives it up and joins again, and only then, being nobody's, does it go to another. So at no time does somebody
 * get a partition while another still holds it.
 */
export function assign(members: readonly Claimant[], partitions: number): Map<string, number[]> {
  const claims = claimsOf(members, partitions);
  const byClaims = [...members].sort(
    (a, b) => (claims.get(b.id)?.length ?? 0) - (claims.get(a.id)?.length ?? 0) || (a.id < b.id ? -1 : 1),
  );
  const least = Math.floor(partitions / members.length);
  const more = partitions % members.length;
  const held = new Set(members.flatMap(({ owned }) => owned));
  const free = Array.from({ length: partitions }, (_, partition) => partition).filter((at) => !held.has(at));
  const result = new Map<string, number[]>();
  for (const [index, { id }] of byClaims.entries()) {
    const quota = least + (index < more ? 1 : 0);
    const kept = (claims.get(id) ?? []).slice(0, quota);
    result.set(id, [...kept, ...free.splice(0, quota - kept.length)]);
  }
  return result;
}

/** Who owns what: where two say so, the one who got it later; neither, if that was at the same time. */
function claimsOf(members: readonly Claimant[], partitions: number): Map<string, number[]> {
  const claims = new Map<string, number[]>();
  for (let partition = 0; partition < partitions; partition++) {
    const owners = members.filter(({ owned }) => owned.includes(partition));
    const latest = Math.max(...owners.map(({ generation }) => generation));
    const [owner, ...others] = owners.filter(({ generation }) => generation === latest);
    if (owner === undefined || others.length > 0) continue;
    claims.set(owner.id, [...(claims.get(owner.id) ?? []), partition]);
  }
  return claims;
}
