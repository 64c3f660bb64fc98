import type { ClientClock } from "../../src/client/index.js";

/** A clock that stands still until it is moved. */
export class FakeClock implements ClientClock {
  private time = Date.UTC(2026, 0, 1);
  private readonly timers = new Map<number, { readonly at: number; readonly call: () => void }>();
  private last = 0;

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): number {
    this.timers.set(++this.last, { at: this.time + ms, call });
    return this.last;
  }

  clear(timer: unknown): void {
    this.timers.delete(timer as number);
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Milliseconds until each timer, the nearest first. */
  get delays(): number[] {
    return [...this.timers.values()].map(({ at }) => at - this.time).sort((one, other) => one - other);
  }

  /** Lets time go by: timers call back in their order, each at its time. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const next = [...this.timers]
        .filter(([, { at }]) => at <= end)
        .sort(([, one], [, other]) => one.at - other.at)[0];
      if (next === undefined) break;
      const [timer, { at, call }] = next;
      this.timers.delete(timer);
      this.time = Math.max(this.time, at);
      call();
      await turns();
    }
    this.time = end;
    await turns();
  }

  /** The device sleeps: the clock goes on, and every timer that was due calls back late, at once. */
  async sleep(ms: number): Promise<void> {
    this.time += ms;
    const due = [...this.timers].filter(([, { at }]) => at <= this.time);
    for (const [timer, { call }] of due) if (this.timers.delete(timer)) call();
    await turns();
  }
}

/** Lets everything that is on its way between memory and memory arrive. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
