import { afterAll, beforeAll, vi } from "vitest";

/** Owners' timers fire when a schedule says so, and at no other time. */
export function timersOnDemand(): void {
  beforeAll(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterAll(() => {
    vi.useRealTimers();
  });
}
