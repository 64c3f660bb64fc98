import { describe, expect, test } from "vitest";
import { timersOnDemand } from "./log-clock.js";
import { RULES, type Rule, rules } from "./log-rules.js";
import { Script } from "./log-script.js";

// Schedules that chance finds too rarely. In each the phone hears nothing of its first message, to bob, and sends it
// again; then it goes on to carol. Nobody may take the second copy for a second message.

timersOnDemand();

const APPLIED_TWICE = /^the record at 20 made .* instead of null$/;

interface Directed {
  /** Whether storage lands a call whole. */
  readonly atomic: boolean;
  readonly without: readonly Rule[];
  readonly tell: (script: Script) => Promise<void>;
}

const DIRECTED: Record<string, Directed> = {
  "a crash after bob's conversation landed, but not carol's": {
    atomic: false,
    without: ["b.held", "b.stored"],
    async tell(script) {
      const { world, phone } = script;
      const owner = world.begin();
      script.say("bob");
      phone.reconnect();
      script.say("bob");
      script.say("carol");
      await script.take(owner, 3);
      phone.receive();
      script.say("carol");
      await script.take(owner, 1);
      await script.issue();
      await script.land(owner);
      await script.land(owner);
      await script.land(owner, 1);
      world.crash(owner);
      await script.take(world.begin(), 4);
    },
  },
  "an owner that has lost its lease flushes twice, far ahead of the next one": {
    atomic: false,
    without: ["c.alone", "c.steps"],
    async tell(script) {
      const { world, phone } = script;
      const former = world.begin();
      script.say("bob");
      await script.take(former, 1);
      await script.flush(former);
      phone.reconnect();
      script.say("bob");
      script.say("carol");
      await script.take(former, 2);
      phone.receive();
      script.say("carol");
      await script.take(former, 1);
      world.expire();
      const owner = world.begin();
      await script.flush(former);
      phone.receive();
      script.say("carol");
      await script.take(former, 1);
      await script.flush(former);
      await script.take(owner, 1);
    },
  },
  "an owner that has lost its lease loads what the next one has written, far ahead of it": {
    atomic: false,
    without: ["c.loads"],
    async tell(script) {
      const { world, phone } = script;
      const former = world.begin();
      script.say("bob");
      phone.reconnect();
      script.say("bob");
      script.say("carol");
      world.expire();
      const owner = world.begin();
      await script.take(owner, 3);
      phone.receive();
      script.say("carol");
      await script.take(owner, 1);
      await script.flush(owner);
      phone.receive();
      script.say("carol");
      await script.take(owner, 1);
      await script.flush(owner);
      await script.take(former, 2);
    },
  },
  "a flush lands whole when the next owner has begun": {
    atomic: true,
    without: ["d.future"],
    async tell(script) {
      const { world, phone } = script;
      const former = world.begin();
      script.say("bob");
      await script.take(former, 1);
      await script.flush(former);
      phone.reconnect();
      script.say("bob");
      script.say("carol");
      await script.take(former, 2);
      phone.receive();
      script.say("carol");
      await script.take(former, 1);
      await script.issue();
      world.expire();
      const owner = world.begin();
      await script.land(former);
      await script.take(owner, 1);
    },
  },
};

describe.each(Object.entries(DIRECTED))("%s", (_name, { atomic, without, tell }) => {
  test("does no harm", async () => {
    await Script.play(atomic, null, tell);
  });

  test.each(without.map((rule) => [RULES[rule].text, rule] as const))("would without: %s", async (_text, rule) => {
    await expect(Script.play(atomic, rule, tell)).rejects.toThrow(APPLIED_TWICE);
  });
});

test("every rule that chance finds too rarely has a schedule", () => {
  expect(
    Object.values(DIRECTED)
      .flatMap(({ without }) => without)
      .sort(),
  ).toEqual(rules(true).sort());
});
