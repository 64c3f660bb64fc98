import { expect, test } from "vitest";
import { Session } from "../src/session.js";

function session() {
  const clock = { now: 0 };
  const made = new Session({ sessionMs: 10_000, rebalanceMs: 30_000 }, () => clock.now);
  return { made, clock };
}

test("a right that the broker never confirmed isn't one", () => {
  expect(session().made.valid()).toBe(false);
});

test("a right lasts for less than the session, counted from when the broker was asked", () => {
  const { made, clock } = session();
  clock.now = 3_000;
  made.renew(1_000, true);
  clock.now = 9_999;
  expect(made.valid()).toBe(true);
  clock.now = 10_000;
  expect(made.valid()).toBe(false);
});

test("an answer that comes after its session would have run out renews nothing", () => {
  const { made, clock } = session();
  made.renew(0, true);
  clock.now = 15_000;
  made.renew(500, true);
  expect(made.valid()).toBe(false);
});

test("answers that overtake each other don't shorten a right", () => {
  const { made, clock } = session();
  made.renew(5_000, true);
  made.renew(1_000, true);
  clock.now = 13_000;
  expect(made.valid()).toBe(true);
});

test("while the group rebalances a right is prolonged, but not beyond what a rebalance waits for a member", () => {
  const { made, clock } = session();
  made.renew(0, true);
  for (let at = 5_000; at <= 60_000; at += 5_000) made.renew(at, false);
  clock.now = 28_999;
  expect(made.valid()).toBe(true);
  clock.now = 29_000;
  expect(made.valid()).toBe(false);
});
