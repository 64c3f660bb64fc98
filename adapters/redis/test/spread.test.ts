import fc from "fast-check";
import { expect, test } from "vitest";
import { spread } from "../src/queue/spread.js";

/** Who owns what, as the members of a group arrange it between them. */
class Group {
  readonly owners = new Map<number, string>();

  constructor(readonly partitions: number) {}

  of(member: string): number[] {
    return [...this.owners].filter(([, owner]) => owner === member).map(([partition]) => partition);
  }

  /** What those who aren't there any more had is free. */
  stay(members: readonly string[]): void {
    for (const [partition, owner] of this.owners) if (!members.includes(owner)) this.owners.delete(partition);
  }

  /** One round of a member. Answers how many partitions it let go. */
  round(me: string, members: readonly string[]): number {
    const free = Array.from({ length: this.partitions }, (_, at) => at).filter((at) => !this.owners.has(at));
    const plan = spread({ partitions: this.partitions, members, me, mine: this.of(me), free });
    for (const partition of plan.release) this.owners.delete(partition);
    for (const partition of plan.take) this.owners.set(partition, me);
    return plan.release.length;
  }
}

test("members that come and go end up with even shares, and none lets go more than it must", () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 9 });
  const phases = fc.array(names, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), phases, (partitions, lists) => {
      const group = new Group(partitions);
      for (const list of lists) {
        const members = [...list].sort();
        const least = Math.floor(partitions / members.length);
        group.stay(members);
        // What is let go in the first round is taken in the second.
        for (const me of [...members, ...members]) {
          if (group.round(me, members) > 0) expect(group.of(me).length).toBeGreaterThanOrEqual(least);
        }
        expect(group.owners.size).toBe(partitions);
        for (const me of members) expect([least, least + 1]).toContain(group.of(me).length);
      }
    }),
  );
});
