import { pause } from "../log/retry.js";
import type { ConnectionEntry, ConnectionRegistry } from "../ports/connection-registry.js";
import type { Connection } from "./connection.js";

/** Users of one look-up, with a pause after it, or a large node's looks would come at once. */
const SLICE = 500;
const SLICE_PAUSE_MS = 20;

export interface TakeoverCheckOptions {
  readonly registry: Pick<ConnectionRegistry, "lookup">;
  readonly connections: () => Iterable<Connection>;
  /** A newer connection of the same device took over. */
  readonly replaced: (entry: ConnectionEntry) => void;
  readonly failed: (error: unknown) => void;
  /** Milliseconds between two checks. */
  readonly everyMs: number;
}

/**
 * Finds connections that a newer one of their device has taken over without this node's having been told, as what nodes
 * tell each other may be lost.
 */
export class TakeoverCheck {
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(private readonly options: TakeoverCheckOptions) {}

  start(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.check()
        .catch(this.options.failed)
        .finally(() => this.start());
    }, this.options.everyMs);
    this.timer.unref();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private async check(): Promise<void> {
    const entries = [...this.options.connections()].flatMap(({ entry }) => (entry === null ? [] : [entry]));
    for (let from = 0; from < entries.length && !this.stopped; from += SLICE) {
      await this.checkSome(entries.slice(from, from + SLICE));
      await pause(SLICE_PAUSE_MS);
    }
  }

  private async checkSome(entries: readonly ConnectionEntry[]): Promise<void> {
    const found = await this.options.registry.lookup(entries.map(({ user }) => user));
    for (const [i, entry] of entries.entries()) {
      const now = found[i]?.find(({ device_id }) => device_id === entry.device_id);
      // Of a registry that has forgotten it nothing follows.
      if (now !== undefined && now.generation > entry.generation) this.options.replaced(entry);
    }
  }
}
