import type { Lease, Offset } from "../ports/queue.js";
import type { Storage, Write } from "../ports/storage.js";
import type { PipelineStep, Probe } from "./probe.js";
import { pause, RETRY_MS } from "./retry.js";

export interface FlushStep {
  readonly name: Extract<PipelineStep, `flush.${string}`>;
  readonly writes: readonly Write[];
  /** What has to be done before the writes are issued. Tried again with them. */
  readonly before?: () => Promise<void>;
}

export interface FlushPlan {
  /** Once the plan has landed, everything up to here is in storage. */
  readonly upTo: Offset;
  /**
   * States as of `upTo`, and rows as they are wanted when this is called, which is once: what was acknowledged
   * meanwhile needs none. Each step lands before the next is issued. [R2 a]
   */
  readonly steps: () => readonly FlushStep[];
}

/**
 * Milliseconds that a flush for which nobody waits leaves between its states and its rows, at most a fifth of the time
 * between flushes: enough for connected devices to acknowledge what they have just been sent, so that it isn't written
 * only to be removed.
 */
const SETTLE_MS = 600;

export interface FlusherOptions {
  readonly storage: Pick<Storage, "write">;
  readonly lease: Lease;
  /** How long rows may wait for company, in milliseconds. */
  readonly flushMs: number;
  /** Bytes of rows in memory beyond which a flush begins at once; at four times as many the log isn't read on. */
  readonly flushBytes: number;
  /** About how many bytes of rows wait in memory to be written. */
  readonly waiting: () => number;
  /** What brings storage up to the last record applied. */
  readonly plan: () => FlushPlan;
  readonly landed: (upTo: Offset) => void;
  /** Something failed that will be tried again, or ended it. */
  readonly failed: (error: unknown) => void;
  readonly probe: Probe;
}

/** How far what is written lies behind what is known, in milliseconds. */
export interface Writing {
  /** How long the oldest change has waited that isn't in storage yet; 0 where all is. */
  readonly unwrittenMs: number;
  /** For how long a flush has been under way; 0 where none is. */
  readonly flushMs: number;
}

/**
 * Writes behind what the owner of a partition holds in memory, one flush at a time, each step while the lease is
 * valid. [R2 a, c] Storage being away makes it wait, and in time the owner's log with it. [R5]
 */
export class Flusher implements Writing {
  /** Nothing is written any more. */
  stopped = false;
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<boolean> | null = null;
  private changed = false;
  /** When the oldest change was made that no flush has begun with, and that the flush under way has: by `performance`. */
  private changedAt = 0;
  private writingSince = 0;
  private begunAt = 0;
  /** Somebody waits for the next flush. */
  private awaited = false;
  /** Ends the wait between states and rows. */
  private hurry: (() => void) | null = null;

  constructor(private readonly options: FlusherOptions) {}

  /** There is something to flush. `soon` where somebody waits for it. */
  touch(soon = false): void {
    if (!this.changed) this.changedAt = performance.now();
    this.changed = true;
    this.awaited ||= soon;
    if (this.stopped) return;
    const { waiting, flushBytes, flushMs } = this.options;
    const now = this.awaited || waiting() >= flushBytes;
    if (now) this.hurry?.();
    if (this.flushing !== null) return;
    if (now) this.start(true);
    else this.timer ??= setTimeout(() => this.start(false), flushMs);
  }

  /** Returns a promise only where so much waits that the log isn't to be read on before it has landed. */
  room(): void | Promise<void> {
    const { waiting, flushBytes } = this.options;
    if (waiting() < flushBytes * 4) return;
    return this.flush().then(() => {});
  }

  /** Writes everything up to the last record applied, however long it takes. Answers whether it has landed. */
  async flush(): Promise<boolean> {
    this.hurry?.();
    if (this.flushing !== null) await this.flushing;
    this.start(true);
    this.hurry?.();
    return this.flushing ?? !this.stopped;
  }

  get unwrittenMs(): number {
    if (this.flushing !== null) return performance.now() - this.writingSince;
    return this.changed ? performance.now() - this.changedAt : 0;
  }

  get flushMs(): number {
    return this.flushing === null ? 0 : performance.now() - this.begunAt;
  }

  private start(now: boolean): void {
    this.clearTimer();
    if (this.flushing !== null || !this.changed || this.stopped) return;
    this.changed = false;
    this.awaited = false;
    this.writingSince = this.changedAt;
    this.begunAt = performance.now();
    this.flushing = this.write(now)
      .catch((error: unknown) => {
        this.giveUp(error);
        return false;
      })
      .finally(() => {
        this.flushing = null;
        if (this.changed) this.touch();
      });
  }

  private async write(now: boolean): Promise<boolean> {
    const { plan, probe, landed } = this.options;
    const { steps, upTo } = plan();
    probe("flush.planned");
    if (!now) await this.settle();
    if (this.stopped) return false;
    for (const step of steps()) if (!(await this.land(step))) return false;
    landed(upTo);
    return true;
  }

  private async settle(): Promise<void> {
    const late = Math.min(SETTLE_MS, this.options.flushMs / 5);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, late);
      this.hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.hurry = null;
  }

  /** Lands a step, however long storage is away [R5]; false where the lease was lost meanwhile. [R2 c] */
  private async land({ name, writes, before }: FlushStep): Promise<boolean> {
    const { storage, lease, probe, failed } = this.options;
    for (let wait = RETRY_MS.first; ; wait = Math.min(wait * 2, RETRY_MS.most)) {
      if (!lease.valid()) return false;
      try {
        if (before !== undefined) {
          await before();
          if (!lease.valid()) return false;
        }
        await storage.write(writes);
        probe(name);
        return true;
      } catch (error) {
        failed(error);
        if (this.stopped) return false;
        await pause(wait);
      }
    }
  }

  /** Something of what is held can't be trusted any more: none of it is written. */
  giveUp(error: unknown): void {
    this.stopped = true;
    this.clearTimer();
    this.hurry?.();
    this.options.failed(error);
  }

  /** Flushes what can be flushed within the deadline, in milliseconds, and stops. Idempotent. */
  async stop(deadline: number): Promise<void> {
    if (this.stopped) return;
    let late: NodeJS.Timeout | undefined;
    const passed = new Promise<void>((resolve) => {
      late = setTimeout(resolve, deadline);
    });
    if (this.options.lease.valid()) await Promise.race([this.flush(), passed]);
    this.stopped = true;
    this.clearTimer();
    if (this.flushing !== null) await Promise.race([this.flushing, passed]);
    clearTimeout(late);
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
