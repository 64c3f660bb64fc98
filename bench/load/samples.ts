/** Latencies in milliseconds, kept exactly up to a bound and thinned evenly beyond it. */
export class Samples {
  private readonly kept: Float64Array;
  private count = 0;
  private every = 1;
  private skipped = 0;

  constructor(bound = 1 << 22) {
    this.kept = new Float64Array(bound);
  }

  add(milliseconds: number): void {
    if (++this.skipped < this.every) return;
    this.skipped = 0;
    if (this.count === this.kept.length) this.thin();
    this.kept[this.count++] = milliseconds;
  }

  /** Drops every other sample; from now on so many fewer are kept. */
  private thin(): void {
    this.count = this.kept.length / 2;
    for (let i = 0; i < this.count; i++) this.kept[i] = this.kept[2 * i] as number;
    this.every *= 2;
  }

  /** The sample below which `share` of all lie; null without any. */
  quantile(share: number): number | null {
    const sorted = this.kept.slice(0, this.count).sort();
    return sorted[Math.min(this.count - 1, Math.floor(this.count * share))] ?? null;
  }
}
