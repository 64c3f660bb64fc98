/** Something that wants to be looked at now and then. */
export interface Spoke {
  /** Looked at `now` (seconds); answers in how many seconds it wants to be looked at again, 0 for never. */
  look(now: number): number;
}

/**
 * One timer for all connections: each second it looks at those whose time has come, however many others there are. [R7]
 */
export class Wheel {
  private readonly buckets: Set<Spoke>[];
  private timer: NodeJS.Timeout | null = null;
  /** Seconds since the wheel began to turn. */
  now = 0;

  /** `size` is the longest wait, in seconds. */
  constructor(private readonly size: number) {
    this.buckets = Array.from({ length: size + 1 }, () => new Set<Spoke>());
  }

  start(): void {
    this.timer ??= setInterval(() => this.advance(), 1_000);
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  /** Looks at something in so many seconds. */
  add(spoke: Spoke, seconds: number): void {
    this.bucket(this.now + Math.min(Math.max(1, seconds), this.size)).add(spoke);
  }

  /** Forgets something now, with all that it holds, instead of when its time comes. */
  remove(spoke: Spoke): void {
    for (const bucket of this.buckets) if (bucket.delete(spoke)) return;
  }

  /** One second has passed. */
  advance(): void {
    this.now++;
    const due = this.bucket(this.now);
    if (due.size === 0) return;
    const spokes = [...due];
    due.clear();
    for (const spoke of spokes) {
      const next = spoke.look(this.now);
      if (next > 0) this.add(spoke, next);
    }
  }

  private bucket(second: number): Set<Spoke> {
    return this.buckets[second % this.buckets.length] as Set<Spoke>;
  }
}
