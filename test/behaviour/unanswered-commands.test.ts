import { newId } from "sentseen";
import { expect, it } from "vitest";
import { openNodes } from "./support/nodes.js";
import { holdWheel } from "./support/wheel.js";

it("a command whose answer was lost between nodes is asked again: its connection begins anew in three minutes", async () => {
  const wheel = holdWheel();
  let lose = false;
  const { all } = await openNodes({
    roles: [["gateway"], ["messages", "delivery"]],
    aroundSession: (method, args, run) => {
      if (!lose || method !== "send" || !Buffer.from(args[1] as Uint8Array).includes("answers")) return run();
      lose = false;
      return Promise.resolve(true);
    },
  });
  const [gateway] = all as [(typeof all)[0]];
  const device = newId();
  const alice = await gateway.client({ user: "alice", device });
  const bob = await gateway.client("bob");
  const again = alice.message({ user: "bob" }, "once");
  lose = true;
  alice.start(again);
  await bob.gets("once");
  expect(lose).toBe(false);

  // Alice isn't silent and goes on, and so does bob; all the rest is answered.
  for (let second = 0; second < 180 && alice.ended === null; second += 10) {
    await wheel.pass(10);
    await bob.say({ user: "carol" }, `second ${second}`);
    await alice.say({ user: "carol" }, `second ${second}`).catch(() => {});
  }
  expect(await alice.closed()).toBe(4414);
  expect(alice.all("error")).toMatchObject([{ code: "store_unavailable" }]);
  await bob.caughtUp();
  const resumed = await gateway.client({ user: "alice", device });
  expect(await resumed.expect("ack", again)).toMatchObject({ seq: 1 });
  expect(bob.texts).toEqual(["once"]);
});
