import type { Storage } from "../ports/storage.js";

export interface SweepOptions {
  readonly storage: Pick<Storage, "sweep">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From the end of one pass to the beginning of the next, in milliseconds. */
  readonly everyMs: number;
  /** Called before each pass: writes what a pass has to know to spare what isn't to go. */
  readonly before: () => Promise<void>;
  readonly failed: (error: unknown) => void;
}

/** Rows looked at in one call, and the pause before the next: a long pass takes its time and disturbs nobody. */
const SLICE_ROWS = 1_000;
const PAUSE_MS = 50;

/** Has storage drop what has expired: a pass when it starts and one after another from then on, in small slices. */
export class Sweep {
  private timer: NodeJS.Timeout | null = null;
  private slice: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly options: SweepOptions) {}

  start(): void {
    this.next(true, 0);
  }

  /** Resolves when nothing of it is under way any more. Idempotent. */
  stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    return this.slice;
  }

  private next(newPass: boolean, inMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.slice = this.sweep(newPass);
    }, inMs);
  }

  private async sweep(newPass: boolean): Promise<void> {
    const { storage, now, everyMs, before, failed } = this.options;
    try {
      if (newPass) await before();
      if (this.stopped) return;
      const ended = await storage.sweep(now(), SLICE_ROWS);
      this.next(ended, ended ? everyMs : PAUSE_MS);
    } catch (error) {
      failed(error);
      this.next(true, everyMs);
    }
  }
}
