import { setTimeout as pause } from "node:timers/promises";

const EVERY_MS = 50;

/**
 * Waits until `condition` answers true. Rejects, saying `what` was waited for, after `withinMs`, and at once with an
 * error of the condition that `isFinal`.
 */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  isFinal: (error: unknown) => boolean = () => false,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    let cause: unknown;
    try {
      if (await condition()) return;
    } catch (error) {
      if (isFinal(error)) throw error;
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain for ${what}.`, { cause });
    await pause(EVERY_MS);
  }
}
