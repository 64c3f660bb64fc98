import fc from "fast-check";
import { vi } from "vitest";
import type { Role } from "../../src/model/message.js";
import type { Device, Wish } from "./log-device.js";
import { finish } from "./log-finish.js";
import type { Call } from "./log-port.js";
import { type Rule, tamper } from "./log-rules.js";
import { World, type WorldOptions } from "./log-world.js";

/** A run of the model: how the world is made, and every choice that is made in it. */
export interface Schedule extends Omit<WorldOptions, "off" | "users"> {
  readonly devices: number;
  readonly choices: readonly number[];
}

const USERS = ["alice", "bob", "alice", "carol"];
const CHOICES = 160;

/** All sorts of schedules, over a storage that lands calls whole, or one that doesn't, or either. */
export function schedules(atomic: boolean | null): fc.Arbitrary<Schedule> {
  return fc.record({
    atomic: atomic === null ? fc.boolean() : fc.constant(atomic),
    durableQueue: fc.boolean(),
    window: fc.integer({ min: 2, max: 4 }),
    cached: fc.integer({ min: 0, max: 3 }),
    flushBytes: fc.constantFrom(1, 3_000, 100_000),
    devices: fc.integer({ min: 1, max: USERS.length }),
    commands: fc.integer({ min: 3, max: 12 }),
    // Without the bias towards small numbers that numbers have elsewhere: here they are moves, one as good as another.
    choices: fc.noBias(fc.array(fc.nat(0xffff), { minLength: CHOICES / 4, maxLength: CHOICES, size: "max" })),
  });
}

/** Whole numbers from 0 up to, but not with, a bound. */
type Choose = (below: number) => number;

/** Runs a schedule to its end. Throws where a rule of what must come out is broken. */
export async function run({ choices, devices, ...schedule }: Schedule, off: Rule | null): Promise<void> {
  const restore = tamper(off);
  try {
    const world = new World({ ...schedule, users: USERS.slice(0, devices), off });
    let at = 0;
    const choose: Choose = (below) => (choices[at++] ?? 0) % below;
    while (at < choices.length) {
      move(world, choose);
      await world.settle();
    }
    await finish(world);
  } finally {
    vi.clearAllTimers();
    restore();
  }
}

/** One of all that could happen next happens. */
function move(world: World, choose: Choose): void {
  const moves: [weight: number, move: () => void][] = [];
  const { owner, former, devices, strays } = world;
  for (const device of devices) {
    const publish = () => world.publish(device, choose(4), () => wish(world, device, choose));
    if (device.canPublish(true)) moves.push([8, publish]);
    if (device.hasAnswers) moves.push([8, () => device.receive()]);
    if (device.waiting) moves.push([2, () => device.reconnect()]);
  }
  moves.push([1, () => world.publishRubbish()]);
  if (owner === null) moves.push([20, () => world.begin(choose(4) === 0)]);
  else {
    // More likely in the middle of a flush.
    const writing = owner.port.calls.some(({ kind }) => kind === "write");
    moves.push([writing ? 4 : 1, () => world.expire()], [writing ? 2 : 1, () => world.crash(owner)]);
    if (world.canFeed(owner)) moves.push([20, () => world.feed(owner, 1 + choose(4))]);
    for (const call of owner.port.calls) moves.push([16, () => advance(call, choose)]);
  }
  for (const tenure of former) {
    moves.push([1, () => world.crash(tenure)]);
    if (world.canFeed(tenure)) moves.push([4, () => world.feed(tenure, 1 + choose(4))]);
    for (const call of tenure.port.calls) moves.push([4, () => advance(call, choose)]);
  }
  if (vi.getTimerCount() > 0) moves.push([12, () => vi.advanceTimersToNextTimer()]);
  if (strays.length > 0) moves.push([4, () => world.landStray(choose(strays.length))]);

  let left = choose(moves.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, make] of moves) {
    if (left < weight) return make();
    left -= weight;
  }
}

function advance(call: Call, choose: Choose): void {
  if (choose(16) === 0) call.fail();
  else if (call.kind === "read") call.look();
  else call.land(choose(call.left.length));
}

const CONTENT = new Uint8Array([1, 2, 3]);

/** What a device might want. Much of it will be refused, depending on what came before. */
function wish(world: World, device: Device, choose: Choose): Wish {
  const group = `group ${choose(2)}`;
  const other = USERS[choose(USERS.length)] as string;
  if (!world.begun(group)) {
    return { conversation: group, action: { type: "create", name: group, users: [other, "alice"] } };
  }
  const kind = choose(12);
  if (kind < 4) {
    const to = device.user === "alice" ? "bob" : "alice";
    const conversation = `direct ${[device.user, to].sort()}`;
    return { conversation, action: { type: "send", to, content_type: "text", content: CONTENT } };
  }
  if (kind < 7) return { conversation: group, action: { type: "send", content_type: "text", content: CONTENT } };
  if (kind === 7) return { conversation: group, action: { type: "create", name: group, users: [other] } };
  if (kind === 8) return { conversation: group, action: { type: "add", users: [other] } };
  if (kind === 9) return { conversation: group, action: { type: "remove", users: [other] } };
  if (kind === 10) return { conversation: group, action: { type: "leave" } };
  const role: Role = choose(2) === 0 ? "admin" : "owner";
  return { conversation: group, action: { type: "role", user: other, role } };
}
