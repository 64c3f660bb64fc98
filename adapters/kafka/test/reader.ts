import type { Consumer, Lease, Offset, QueueRecord } from "sentseen/ports";

interface Assignment {
  readonly partition: number;
  readonly lease: Lease;
  readonly completeAfter: Offset;
}

/** A consumer that notes what it is called with, and begins where it left off. */
export class Reader implements Consumer {
  readonly records: (QueueRecord & { readonly at: number })[] = [];
  readonly assignments: Assignment[] = [];
  readonly revocations: number[] = [];
  /** What it begins from; several readers may share one. */
  readonly checkpoints: Map<number, Offset>;
  /** Awaited by every batch before it is taken in. */
  gate: Promise<void> = Promise.resolve();
  /** Batches that came and weren't taken in, as the lease was lost while the gate was shut. */
  dropped = 0;

  constructor(checkpoints = new Map<number, Offset>()) {
    this.checkpoints = checkpoints;
  }

  async assigned(partition: number, lease: Lease, completeAfter: Offset): Promise<Offset | null> {
    this.assignments.push({ partition, lease, completeAfter });
    return this.checkpoints.get(partition) ?? null;
  }

  async batch(partition: number, records: readonly QueueRecord[]): Promise<void> {
    await this.gate;
    if (!this.owned().includes(partition)) {
      this.dropped++;
      return;
    }
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
