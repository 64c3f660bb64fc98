import type { Config } from "../config.js";
import { Sweep } from "../delivery/sweep.js";
import { ChatError } from "../errors.js";
import { Counts } from "../log/counts.js";
import type { Consumer, Consumption, Lease, Offset, QueueRecord } from "../ports/queue.js";
import { DeliveryOwner } from "./delivery-owner.js";
import type { NodeLink } from "./node-link.js";
import { DELIVERIES, DELIVERY_GROUP, GAPS, ownerOf } from "./topics.js";
import type { Whereabouts } from "./whereabouts.js";

const STOP_MS = 15_000;

/** The delivery role: owns partitions of deliveries, and with each the mailboxes of its users. */
export class DeliveryRole implements Consumer {
  readonly counts = new Counts();
  private readonly owned = new Map<number, DeliveryOwner>();
  private consumption: Consumption | null = null;
  private readonly sweep: Sweep;

  constructor(
    private readonly config: Config,
    private readonly link: NodeLink,
    private readonly whereabouts: Whereabouts,
    private readonly failed: (error: unknown) => void,
  ) {
    const { storage, now, sweepMs: everyMs } = config;
    this.sweep = new Sweep({ storage, now, everyMs, before: () => this.expire(), failed });
  }

  private async expire(): Promise<void> {
    for (const owner of [...this.owned.values()]) await owner.expire((users) => this.whereabouts.devicesOf(users));
  }

  async start(): Promise<void> {
    this.sweep.start();
    this.consumption = await this.config.queue.consume(DELIVERIES, DELIVERY_GROUP, this);
  }

  async stop(): Promise<void> {
    await this.sweep.stop();
    await Promise.all([...this.owned.values()].map((owner) => owner.stop(STOP_MS)));
    await this.consumption?.stop();
  }

  /** The partitions that are this node's. */
  owners(): Iterable<readonly [number, DeliveryOwner]> {
    return this.owned;
  }

  async assigned(partition: number, lease: Lease, completeAfter: Offset): Promise<Offset | null> {
    const { config, link, whereabouts, failed } = this;
    const checkpoint = await config.storage.checkpoint(DELIVERIES, partition);
    const owner = new DeliveryOwner({
      config,
      partition,
      lease,
      checkpoint,
      completeAfter,
      logHead: async () => (await config.queue.head(DELIVERIES, partition)) ?? 0,
      route: (pushes) => whereabouts.push(pushes),
      look: (heads) => whereabouts.look(heads),
      landed: (upTo) => this.commit(partition, upTo),
      counts: this.counts,
      failed,
    });
    this.owned.set(partition, owner);
    await link.answerFor(ownerOf(DELIVERIES, partition), (question) =>
      lease.valid() ? owner.answer(question) : undefined,
    );
    if (owner.beganAnew) await link.spread(GAPS, { kind: "gap", partition, since: owner.since });
    return checkpoint === null && !owner.beganAnew ? null : owner.applied;
  }

  batch(partition: number, records: readonly QueueRecord[]): Promise<void> {
    const owner = this.owned.get(partition);
    if (owner === undefined) throw new ChatError("closed", "The partition belongs to another owner.");
    return owner.accept(records);
  }

  async revoked(partition: number): Promise<void> {
    const owner = this.owned.get(partition);
    if (owner === undefined) return;
    this.owned.delete(partition);
    await this.link.answerNoMore(ownerOf(DELIVERIES, partition)).catch(this.failed);
    await owner.stop(STOP_MS);
  }

  /** The log needn't keep what is in storage. Should it not hear of it, the next time says it again. */
  private commit(partition: number, upTo: Offset): void {
    this.consumption?.commit(partition, upTo).catch(this.failed);
  }
}
