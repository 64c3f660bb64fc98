import { memory } from "sentseen/memory";
import { describe, expect, it, onTestFinished } from "vitest";
import { newId } from "../../src/model/ids.js";
import type { Write } from "../../src/ports/index.js";
import { check, type ViolationName } from "./checker.js";
import { holds } from "./deadline.js";
import { digestOf, type Happening, History } from "./history.js";
import { MortalNode, type MortalOptions } from "./mortal-node.js";
import type { Whose } from "./observe.js";
import { wrapStorage } from "./planted.js";
import { BUGS_OF_NODES, type BugOfNodes } from "./planted-nodes.js";
import { WireClient } from "./wire-client.js";

// Each bug of several nodes with a schedule that brings it out: alice writes to bob, who is away, by way of a gateway
// that stays; the node behind it dies at the worst moment, and another takes its partitions.

const ALICE: Whose = { user: "alice", device: "alice/1" };
const BOB: Whose = { user: "bob", device: "bob/1" };
const COUNT = 5;
const PARTITIONS = 2;

interface Case {
  readonly flushMs: number;
  /** When the node behind the gateway dies. */
  readonly diesOf: (write: Write) => boolean;
  /** What the checker says: one of these at least. */
  readonly found: readonly ViolationName[];
}

const CASES: Record<BugOfNodes, Case> = {
  // What alice's device has sent is written, what became of it in the conversation isn't.
  "known-from-any-offset": {
    flushMs: 20,
    diesOf: ({ kind }) => kind === "device_state",
    found: ["two-orders", "acked-but-lost"],
  },
};

async function run({ flushMs, diesOf }: Case, bug?: BugOfNodes): Promise<readonly Happening[]> {
  const { storage, queue, registry } = memory({ durable: true, partitions: PARTITIONS });
  for (const part of [storage, queue, registry]) await part.open();
  const stepwise = { queue, storage: wrapStorage(storage, { atomic: false }) };
  const ports = { registry, ...(bug === undefined ? stepwise : BUGS_OF_NODES[bug](stepwise)) };
  const history = new History();
  const start = async (roles: MortalOptions["roles"]): Promise<MortalNode> => {
    const node = await MortalNode.start({ ports, roles, flushMs });
    onTestFinished(() => node.close());
    return node;
  };

  const { port } = await start(["gateway"]);
  const first = await start(["messages", "delivery"]);
  const device = newId();
  (await WireClient.open(port, BOB, device, history)).drop();
  history.add({ type: "enrolled", ...BOB });
  first.diesOf = diesOf;
  const alice = await WireClient.open(port, ALICE, newId(), history);
  await write(alice, history);
  expect(await holds(() => first.dead)).toBe(true);

  await start(["messages", "delivery"]);
  await write(alice, history);
  alice.drop();
  const from = history.happenings.length;
  (await WireClient.open(port, BOB, device, history)).drop();
  for (const seen of history.happenings.slice(from)) {
    if (seen.type === "received") history.add({ ...seen, type: "delivered" });
  }
  return history.happenings;
}

/** Alice writes to bob, and is told that it is stored. */
async function write(alice: WireClient, history: History): Promise<void> {
  const ids = Array.from({ length: COUNT }, newId);
  for (const [ref, id] of ids.entries()) {
    const content = Buffer.from(`message ${id}`);
    history.add({ type: "submitted", ...ALICE, id, digest: digestOf(content), to: "bob" });
    history.add({ type: "queued", ...ALICE, id });
    alice.send([{ type: "send", ref, id, user: "bob", content_type: "text", content }]);
  }
  const answered = () => ids.every((id) => history.happenings.some((it) => it.type === "acked" && it.id === id));
  await alice.until("acknowledgements", answered);
}

describe("the checker finds a planted bug of several nodes", () => {
  for (const [bug, schedule] of Object.entries(CASES) as [BugOfNodes, Case][]) {
    it(`${bug}, and without it finds nothing`, async () => {
      const names = check(await run(schedule, bug)).map(({ name }) => name);
      expect(
        schedule.found.some((name) => names.includes(name)),
        `found only: ${[...new Set(names)].join(", ")}`,
      ).toBe(true);
      expect(check(await run(schedule))).toEqual([]);
    });
  }
});
