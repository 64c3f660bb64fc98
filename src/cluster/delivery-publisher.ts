import { ChatError } from "../errors.js";
import { pause, RETRY_MS } from "../log/retry.js";
import type { UserId } from "../model/ids.js";
import { type Entry, memoryOf } from "../model/message.js";
import type { Lease, Offset, Queue, QueueItem } from "../ports/queue.js";
import { encodeDelivery } from "./delivery-record.js";
import { DELIVERIES, type Routes } from "./topics.js";

export interface DeliveryPublisherOptions {
  readonly queue: Pick<Queue, "publish">;
  readonly routes: Routes;
  /** The partition of commands. */
  readonly source: number;
  readonly lease: Lease;
  readonly failed: (error: unknown) => void;
}

interface Waiting {
  readonly offset: Offset;
  readonly items: readonly QueueItem[];
  readonly bytes: number;
}

/**
 * Publishes what the owner of a partition of commands has for mailboxes, in order, until the queue has accepted it.
 * What is published twice its consumers know by the command's offset. [R2]
 */
export class DeliveryPublisher {
  /** About how many bytes of memory wait. */
  bytes = 0;
  private waiting: Waiting[] = [];
  private publishing: Promise<void> | null = null;
  /** What is to be published already. */
  private released: Offset = 0;

  constructor(private readonly options: DeliveryPublisherOptions) {}

  add(offset: Offset, entry: Entry, recipients: Iterable<UserId>): void {
    const { routes, source } = this.options;
    const byPartition = new Map<number, UserId[]>();
    for (const user of recipients) {
      const partition = routes.mailbox(user);
      const users = byPartition.get(partition);
      if (users === undefined) byPartition.set(partition, [user]);
      else users.push(user);
    }
    const items = [...byPartition].map(([partition, users]): QueueItem => {
      // One key for all, so that a failure leaves no hole between them.
      const value = encodeDelivery({ source, offset, entry, recipients: users });
      return { key: String(source), partition, value };
    });
    const bytes = memoryOf(entry) + items.reduce((sum, { value }) => sum + value.length, 0);
    this.bytes += bytes;
    this.waiting.push({ offset, items, bytes });
  }

  /** Everything up to here may be published. */
  release(upTo: Offset): void {
    this.released = Math.max(this.released, upTo);
    this.publishing ??= this.publish().finally(() => {
      this.publishing = null;
    });
    this.publishing.catch(this.options.failed);
  }

  /** Resolves when everything up to here is accepted; rejects where the lease was lost meanwhile. */
  async accepted(upTo: Offset): Promise<void> {
    while ((this.waiting[0]?.offset ?? Number.POSITIVE_INFINITY) <= upTo) {
      this.release(upTo);
      await this.publishing;
    }
  }

  private async publish(): Promise<void> {
    const { queue, lease, failed } = this.options;
    for (let wait = RETRY_MS.first; ; ) {
      const ready = this.waiting.filter(({ offset }) => offset <= this.released);
      if (ready.length === 0) return;
      if (!lease.valid()) throw new ChatError("closed", "The partition belongs to another owner.");
      try {
        await queue.publish(
          DELIVERIES,
          ready.flatMap(({ items }) => items),
        );
        this.waiting.splice(0, ready.length);
        for (const { bytes } of ready) this.bytes -= bytes;
        wait = RETRY_MS.first;
      } catch (error) {
        failed(error);
        await pause(wait);
        wait = Math.min(wait * 2, RETRY_MS.most);
      }
    }
  }
}
