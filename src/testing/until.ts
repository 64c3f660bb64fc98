import { AssertionError } from "node:assert";

/** How long `until` waits where nothing else is said, in milliseconds. */
export const DEFAULT_PATIENCE_MS = 5_000;

/**
 * Waits until `condition` holds, looking again in every turn of the event loop. Rejects, saying `what` was waited for,
 * after `patienceMs`.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = DEFAULT_PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new AssertionError({ message: `Waited ${patienceMs} ms in vain: ${what}`, stackStartFn: until });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
