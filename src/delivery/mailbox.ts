import type { UserId, Uuid } from "../model/ids.js";
import type { Offset } from "../ports/queue.js";
import type { DeviceRow } from "../ports/storage.js";
import type { Feed } from "./feed.js";
import type { MailboxEntry } from "./mailbox-entry.js";

/** What memory holds of one user's mailbox: the entries that aren't in storage yet, the devices, and who is fed. */
export class Mailbox {
  readonly feeds = new Set<Feed>();
  /** Null until a device of the user has attached. */
  devices: Map<Uuid, DeviceRow> | null = null;
  /** Devices whose row differs from the stored one. */
  readonly changedDevices = new Set<Uuid>();
  /** The position of the last entry that is known of; 0 where none is. */
  head: Offset = 0;
  /** Everything up to here may be forgotten: each of the user's devices has it. */
  trimmed: Offset = 0;
  /** Storage may hold entries up to here. */
  storedUpTo: Offset;

  private pending: MailboxEntry[] = [];

  constructor(
    readonly user: UserId,
    storedUpTo: Offset,
  ) {
    this.storedUpTo = storedUpTo;
  }

  append(entry: MailboxEntry): void {
    this.pending.push(entry);
    this.head = entry.position;
  }

  /** Whether nothing would be lost if this object were let go. */
  get idle(): boolean {
    return this.feeds.size === 0 && !this.hasPending && this.changedDevices.size === 0;
  }

  get hasPending(): boolean {
    return this.pending.length > 0;
  }

  /** Entries that aren't known to be in storage, with after < position ≤ upTo. */
  pendingBetween(after: Offset, upTo: Offset): MailboxEntry[] {
    return this.pending.filter(({ position }) => position > after && position <= upTo);
  }

  /** Drops what is pending up to a position; answers what was dropped. */
  dropUpTo(position: Offset): MailboxEntry[] {
    const { pending } = this;
    let count = 0;
    while (count < pending.length && (pending[count] as MailboxEntry).position <= position) count++;
    return count === 0 ? NONE : pending.splice(0, count);
  }

  /** A device has everything up to a position. Answers whether more may be forgotten now. */
  acknowledge(device: Uuid, position: Offset, now: number): boolean {
    const row = this.devices?.get(device);
    if (this.devices === null || row === undefined || position <= row.position) return false;
    this.devices.set(device, { ...row, position, seen_at: now });
    this.changedDevices.add(device);
    return this.retrim();
  }

  /**
   * Devices that are connected count as seen, noted once in a `keepMs / 30`; those that weren't seen for `keepMs` are
   * forgotten. Answers whether anything changed.
   */
  expire(now: number, keepMs: number): boolean {
    const connected = new Set([...this.feeds].map(({ device }) => device));
    let changed = false;
    for (const [device, row] of this.devices ?? []) {
      const unseen = now - row.seen_at;
      if (connected.has(device)) {
        if (unseen < keepMs / 30) continue;
        this.devices?.set(device, { ...row, seen_at: now });
        this.changedDevices.add(device);
      } else {
        if (unseen < keepMs) continue;
        this.devices?.delete(device);
        this.changedDevices.delete(device);
      }
      changed = true;
    }
    return changed;
  }

  /** Works out again what every device has. */
  retrim(): boolean {
    let least = Number.POSITIVE_INFINITY;
    for (const { position } of this.devices?.values() ?? []) least = Math.min(least, position);
    if (!Number.isFinite(least) || least <= this.trimmed) return false;
    this.trimmed = least;
    return true;
  }
}

const NONE: MailboxEntry[] = [];
