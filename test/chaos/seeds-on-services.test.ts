import { beforeAll, expect, it } from "vitest";
import { ensureServices } from "../../scripts/services/services.js";
import { bundle } from "./bundle.js";
import { check, count, report } from "./checker.js";
import { play } from "./runner.js";
import { makeScenario } from "./scenario.js";
import { shapeFrom } from "./shape.js";

let file: string;

beforeAll(async () => {
  await ensureServices(["redis", "cassandra", "kafka"], "others");
  file = await bundle(new URL("./server.ts", import.meta.url));
});

// A few of the seeds that `npm run chaos -- --shape` plays by the hundred.
it.each([
  { shape: "redis-cassandra", seed: 1 },
  { shape: "redis-cassandra", seed: 2 },
  { shape: "kafka-cassandra", seed: 3 },
  { shape: "kafka-cassandra", seed: 4 },
])(
  "several nodes on $shape under every fault there is break none of their promises, seed $seed",
  async (of) => {
    const shape = shapeFrom(of.shape);
    const happenings = await play(makeScenario(of.seed, shape.mix), { file, shape });
    expect(check(happenings).map(report)).toEqual([]);
    expect(count(happenings).deliveries).toBeGreaterThan(50);
  },
  180_000,
);
