import { setTimeout as pause } from "node:timers/promises";
import type { LoadClient } from "./wire.js";

/** Clients that connect at a time: below every listen backlog. */
const AT_ONCE = 100;
const DRAIN_MS = 20_000;
/** Each client's `tick` comes once in so many milliseconds, the clients spread over the time. */
const TICK_MS = 100;
const SLICES = 10;

/** Makes `count` clients, some at a time. `make` answers what to wait for before more are made. */
export async function connectAll(count: number, make: (index: number) => readonly Promise<void>[]): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const waiting: Promise<void>[] = [];
    for (let index = from; index < Math.min(count, from + AT_ONCE); index++) waiting.push(...make(index));
    await Promise.all(waiting);
  }
}

/** Gives every client its `tick` ten times a second. */
export class Ticker {
  private readonly timer: NodeJS.Timeout;
  private slice = 0;

  constructor(clients: readonly LoadClient[]) {
    this.timer = setInterval(() => {
      for (let i = this.slice; i < clients.length; i += SLICES) clients[i]?.tick();
      this.slice = (this.slice + 1) % SLICES;
    }, TICK_MS / SLICES);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

/** Waits until all that was sent has arrived; rejects, naming `state`, when that takes too long. */
export async function drained(done: () => boolean, state: () => string): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`Not everything that was sent has arrived: ${state()}`);
    await pause(20);
  }
}
