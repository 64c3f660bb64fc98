import type { Consumer, Lease, Offset, QueueRecord } from "sentseen/ports";

/** A consumer that notes what it is called with, and begins where it left off. */
export class Reader implements Consumer {
  readonly records: (QueueRecord & { readonly at: number })[] = [];
  readonly assignments: { readonly partition: number; readonly completeAfter: Offset; readonly lease: Lease }[] = [];
  readonly revocations: number[] = [];
  readonly checkpoints = new Map<number, Offset>();
  /** Awaited by every batch. */
  gate: Promise<void> = Promise.resolve();

  async assigned(partition: number, lease: Lease, completeAfter: Offset): Promise<Offset | null> {
    this.assignments.push({ partition, completeAfter, lease });
    return this.checkpoints.get(partition) ?? null;
  }

  async batch(partition: number, records: readonly QueueRecord[]): Promise<void> {
    await this.gate;
    this.records.push(...records.map((record) => ({ ...record, at: partition })));
    this.checkpoints.set(partition, records.at(-1)?.offset as Offset);
  }

  async revoked(partition: number): Promise<void> {
    this.revocations.push(partition);
  }

  values(): string[] {
    return this.records.map(({ value }) => Buffer.from(value).toString());
  }

  offsets(): Offset[] {
    return this.records.map(({ offset }) => offset);
  }

  /** The partitions whose leases are valid now. */
  owned(): number[] {
    const owned = this.assignments.filter(({ lease }) => lease.valid()).map(({ partition }) => partition);
    return owned.sort((one, other) => one - other);
  }
}
