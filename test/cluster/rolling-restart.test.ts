import { expect, it } from "vitest";
import { until } from "../../src/testing/until.js";
import { deploy } from "./support/deployment.js";
import { Person } from "./support/person.js";

const PEOPLE = 12;
/** Milliseconds over which a node that goes tells its clients to come back. */
const SPREAD = 1_500;
const PATIENCE = 30_000;
const WHOLE_TEST = 150_000;

it.each(["redis-cassandra", "kafka-cassandra"] as const)(
  "each of three nodes on %s can be restarted under load: nothing is lost, nobody notices, not all come back at once",
  async (shape) => {
    const deployment = await deploy(shape, { idle: 10, spread: SPREAD });
    const people = await Promise.all(
      Array.from({ length: PEOPLE }, (_, i) => Person.join(deployment, `user ${i}`, i % deployment.nodes.length)),
    );

    const said = people.map((): string[] => []);
    let over = false;
    const talk = people.map(async (person, i) => {
      const texts = said[i] as string[];
      const to = (i + 1) % PEOPLE;
      while (!over) {
        const text = `${texts.length} of ${person.user}`;
        await person.say(`user ${to}`, text);
        texts.push(text);
      }
    });
    const talking = Promise.all(talk);
    talking.catch(() => {});
    const allGoOn = async (): Promise<void> => {
      const before = said.map(({ length }) => length);
      const goOn = until(
        "everybody to go on",
        () => {
          expect(deployment.failures).toEqual([]);
          return said.every(({ length }, i) => length > (before[i] as number) + 2);
        },
        PATIENCE,
      );
      await Promise.race([goOn, talking]);
    };

    await allGoOn();
    for (const node of deployment.nodes) {
      node.restart("drain", 0);
      await node.settled();
      await allGoOn();
    }
    over = true;
    await talking;

    for (const [i, person] of people.entries()) {
      const from = said[(i + PEOPLE - 1) % PEOPLE] as string[];
      await until(`all that ${person.user} was told`, () => person.got.length >= from.length, PATIENCE);
      expect(person.got).toEqual(from);
      expect(person.errors).toEqual([]);
      expect(person.steps.filter(({ status }) => status === "failed")).toEqual([]);
    }
    expect(deployment.failures).toEqual([]);

    // A third of them at the first restart, and then also those who came from there.
    const returns = people.flatMap((person) => person.returns);
    expect(returns.length).toBeGreaterThanOrEqual(PEOPLE);
    for (const { told, at, back } of returns) expect((back as number) - at).toBeGreaterThan(told - 2);
    expectSpread(returns.map(({ told }) => told / SPREAD));
  },
  WHOLE_TEST,
);

/** Shares of a time, drawn at random: some in either half of it, and no crowd in a tenth. By chance that fails 1 in 1,000. */
function expectSpread(shares: readonly number[]): void {
  const within = (from: number, to: number): number => shares.filter((share) => share >= from && share < to).length;
  expect(within(0, 1)).toBe(shares.length);
  for (const half of [0, 0.5]) expect(within(half, half + 0.5)).toBeGreaterThan(0);
  for (let tenth = 0; tenth < 10; tenth++) {
    expect(within(tenth / 10, (tenth + 1) / 10)).toBeLessThan((shares.length * 3) / 4);
  }
}
