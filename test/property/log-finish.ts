import { vi } from "vitest";
import type { Tenure } from "./log-tenure.js";
import { Violation } from "./log-violation.js";
import type { World } from "./log-world.js";

const ROUNDS = 200;

/** The world calms down: every device gets its answers, everything is written; then what is astray lands as well. */
export async function finish(world: World): Promise<void> {
  for (const tenure of [...world.former]) world.crash(tenure);
  for (let round = 0; ; round++) {
    if (round === ROUNDS) throw new Violation("it doesn't come to an end");
    const owner = world.owner ?? world.begin();
    for (const device of world.devices) {
      device.receive();
      while (device.canPublish(false)) world.publish(device, 0, never);
    }
    if (world.canFeed(owner)) world.feed(owner, world.log.length);
    await world.settle();
    await advanceAll(world, owner);
    if (world.head > owner.checkpoint) {
      if (vi.getTimerCount() > 0) vi.advanceTimersToNextTimer();
    } else if (world.devices.some((device) => device.waiting)) {
      for (const device of world.devices) if (!device.hasAnswers) device.reconnect();
    } else break;
  }
  world.checkRows();
  while (world.strays.length > 0) world.landStray(0);
  world.checkRows();
}

async function advanceAll(world: World, owner: Tenure): Promise<void> {
  for (const call of [...owner.port.calls]) {
    if (call.kind === "write") while (call.left.length > 0) call.land(0);
    else while (call.left > 0) call.look();
    await world.settle();
  }
}

function never(): never {
  throw new Error("nothing new is published any more");
}
