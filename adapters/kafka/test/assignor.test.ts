import fc from "fast-check";
import { expect, test } from "vitest";
import { assign, type Claimant } from "../src/assignor.js";

const PARTITIONS = 12;

/** Members that own disjoint parts of the partitions, some of which may be nobody's. */
const members: fc.Arbitrary<Claimant[]> = fc
  .tuple(fc.integer({ min: 1, max: 7 }), fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 12, maxLength: 12 }))
  .map(([count, owners]) =>
    Array.from({ length: count }, (_, index) => ({
      id: `member ${index}`,
      generation: 1,
      owned: owners.flatMap((owner, partition) => (owner === index ? [partition] : [])),
    })),
  );

function owned(assignment: ReadonlyMap<string, readonly number[]>): number[] {
  return [...assignment.values()].flat().sort((one, other) => one - other);
}

/** What the members say after a round. */
function after(assignment: ReadonlyMap<string, readonly number[]>): Claimant[] {
  return [...assignment].map(([id, partitions]) => ({ id, owned: partitions, generation: 2 }));
}

test("nobody gets a partition that another still owns", () => {
  fc.assert(
    fc.property(members, (before) => {
      for (const [id, partitions] of assign(before, PARTITIONS)) {
        for (const partition of partitions) {
          const owner = before.find(({ owned }) => owned.includes(partition));
          expect(owner === undefined || owner.id === id).toBe(true);
        }
      }
    }),
  );
});

test("after two rounds every partition is somebody's, once, and nobody has two more than another", () => {
  fc.assert(
    fc.property(members, (before) => {
      const second = assign(after(assign(before, PARTITIONS)), PARTITIONS);
      expect(owned(second)).toEqual(Array.from({ length: PARTITIONS }, (_, partition) => partition));
      const sizes = [...second.values()].map(({ length }) => length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

test("who has no more than its share keeps all that it has", () => {
  fc.assert(
    fc.property(members, (before) => {
      const assignment = assign(before, PARTITIONS);
      for (const { id, owned } of before) {
        if (owned.length > Math.floor(PARTITIONS / before.length)) continue;
        expect(assignment.get(id)).toEqual(expect.arrayContaining([...owned]));
      }
    }),
  );
});

test("of two that claim a partition the later owner keeps it; where nobody can tell, both give it up first", () => {
  const claims = (generation: number): Claimant[] => [
    { id: "old", owned: [0], generation: 1 },
    { id: "new", owned: [0], generation },
  ];
  expect(assign(claims(2), 1)).toEqual(
    new Map([
      ["new", [0]],
      ["old", []],
    ]),
  );
  expect(owned(assign(claims(1), 1))).toEqual([]);
});
