import { randomUUID } from "node:crypto";
import { Recent } from "./recent.js";

/** Users whose devices' registrations are remembered. */
const REMEMBERED = 100_000;

/** Milliseconds for which it is believed that no other process has removed a device. */
const TRUST_MS = 60_000;

interface Known {
  readonly registrations: Map<string, string>;
  readonly until: number;
}

/**
 * As what devices are registered. Values whose greatest counts can't go back to less, so a device that was removed or
 * has expired and comes again has to be another row: each registration has an id of its own. What is written for a
 * device belongs to the registration that was read last, at most a minute ago; one that was removed stays removed
 * however late a write for it lands.
 */
export class Registrations {
  readonly #known = new Recent<string, Known>(REMEMBERED);
  #removals = 0;

  constructor(private readonly now: () => number) {}

  /** The registrations of a user, by device, where they are known well enough; a new device is to be added to them. */
  of(user: string): Map<string, string> | null {
    const known = this.#known.get(user);
    return known !== undefined && known.until > this.now() ? known.registrations : null;
  }

  /**
   * Reads a user's devices and learns the registrations from that. A read that was begun before a removal is made
   * again: it may have seen what is no more.
   */
  async learn<Row extends { device: string; registration: string }>(
    user: string,
    read: () => Promise<readonly Row[]>,
  ): Promise<{ readonly rows: readonly Row[]; readonly registrations: Map<string, string> }> {
    for (;;) {
      const removals = this.#removals;
      const rows = await read();
      if (removals !== this.#removals) continue;
      const registrations = new Map(rows.map(({ device, registration }) => [device, registration]));
      this.#known.set(user, { registrations, until: this.now() + TRUST_MS });
      return { rows, registrations };
    }
  }

  /** Removes a device, during and after which nothing that was known of its user counts. */
  async forget(user: string, remove: () => Promise<void>): Promise<void> {
    this.#removals++;
    try {
      await remove();
    } finally {
      this.#removals++;
      this.#known.delete(user);
    }
  }
}

/** The registration of a device among those of its user, a new one where it has none. */
export function registrationOf(registrations: Map<string, string>, device: string): string {
  const there = registrations.get(device);
  if (there !== undefined) return there;
  const fresh = randomUUID();
  registrations.set(device, fresh);
  return fresh;
}
