import { expect, it } from "vitest";
import { until } from "../../src/testing/until.js";
import type { ServerControl } from "../chaos/server-control.js";
import { Crowd } from "./support/crowd.js";
import { deploy } from "./support/deployment.js";

const CLIENTS = 5_000;
/** Reads of storage that one who comes back may cost, and those that the nodes make anyway meanwhile. */
const READS = { each: 1, anyway: 500 };
const PATIENCE = 90_000;
const WHOLE_TEST = 240_000;

it.each(["redis-cassandra", "kafka-cassandra"] as const)(
  "thousands whose node on %s is killed come back at once to the others, with few reads of storage and no timeout",
  async (shape) => {
    const deployment = await deploy(shape, { idle: 60 });
    const [first, ...others] = deployment.nodes as [ServerControl, ...ServerControl[]];
    const ports = deployment.ports as number[];
    const crowd = await Crowd.gather();
    crowd.order({ ports: ports.slice(0, 1), more: CLIENTS });
    await until("everybody to be there", () => crowd.arrived(1) === CLIENTS, PATIENCE);
    expect(crowd.report.troubles).toEqual([]);

    const before = await readsOf(others);
    crowd.order({ ports: ports.slice(1) });
    await first.stop("kill");
    await until("everybody to be back", () => crowd.arrived(2) === CLIENTS, PATIENCE);
    const reads = (await readsOf(others)) - before;

    expect(crowd.report.troubles).toEqual([]);
    expect(reads).toBeLessThanOrEqual(CLIENTS * READS.each + READS.anyway);
    expect(deployment.failures).toEqual([]);
  },
  WHOLE_TEST,
);

/** How often nodes have read from storage until now. */
async function readsOf(nodes: readonly ServerControl[]): Promise<number> {
  let reads = 0;
  for (const node of nodes) {
    const { storage }: { storage: Record<string, number> } = JSON.parse(await node.state());
    for (const [method, calls] of Object.entries(storage)) if (!NO_READS.has(method)) reads += calls;
  }
  return reads;
}

const NO_READS = new Set(["open", "close", "write"]);
