import type { UserId, Uuid } from "../model/ids.js";
import type { Offset } from "../ports/queue.js";
import type { DeviceRow } from "../ports/storage.js";
import type { MailboxEntry } from "./mailbox-entry.js";

/** What takes a mailbox's entries as they are released. */
export interface Sink {
  readonly device: Uuid;
  push(entry: MailboxEntry): void;
}

/** What memory holds of one user's mailbox: the entries that aren't in storage yet, the devices, and who is fed. */
export class Mailbox {
  /** Mostly one, and most of the time none of its devices has changed: so no set is made for either. */
  feeds: readonly Sink[] = [];
  /** Null until a device of the user has attached. */
  devices: Map<Uuid, DeviceRow> | null = null;
  /** The position of the last entry that came since this object was made; 0 where none has. */
  head: Offset = 0;
  /** Everything up to here may be forgotten: each of the user's devices has it. */
  trimmed: Offset = 0;
  /** Storage may hold entries up to here. */
  storedUpTo: Offset;

  /** Devices whose row differs from the stored one. */
  private changedDevices: Set<Uuid> | null = null;
  /** Devices that are no more, which storage doesn't know yet. */
  private removedDevices: Set<Uuid> | null = null;
  private pending: MailboxEntry[] = [];

  constructor(
    readonly user: UserId,
    storedUpTo: Offset,
  ) {
    this.storedUpTo = storedUpTo;
  }

  /** No entry lies beyond. Of what was written before this object was made, only how far it may go is known. */
  get end(): Offset {
    return Math.max(this.head, this.storedUpTo);
  }

  append(entry: MailboxEntry): void {
    this.pending.push(entry);
    this.head = entry.position;
  }

  /** Whether nothing would be lost if this object were let go. */
  get idle(): boolean {
    return this.feeds.length === 0 && this.isWritten;
  }

  addFeed(feed: Sink): void {
    this.feeds = [...this.feeds, feed];
  }

  removeFeed(feed: Sink): void {
    this.feeds = this.feeds.filter((other) => other !== feed);
  }

  /** Whether storage holds, or is just given, all that is here. */
  get isWritten(): boolean {
    return this.pending.length === 0 && this.changedDevices === null && this.removedDevices === null;
  }

  /** What storage knows of the user's devices; those that were removed meanwhile are left out. */
  knowDevices(rows: readonly DeviceRow[]): void {
    this.devices = new Map(rows.map((row) => [row.device, row]));
    for (const device of this.removedDevices ?? NONE) this.devices.delete(device);
  }

  /** A device's row, which is to be stored with the next flush. */
  putDevice(row: DeviceRow): void {
    this.devices?.set(row.device, row);
    this.removedDevices?.delete(row.device);
    this.changedDevices ??= new Set();
    this.changedDevices.add(row.device);
  }

  /** The rows to be stored now. */
  takeChangedDevices(): DeviceRow[] {
    const rows: DeviceRow[] = [];
    for (const device of this.changedDevices ?? NONE) {
      const row = this.devices?.get(device);
      if (row !== undefined) rows.push(row);
    }
    this.changedDevices = null;
    return rows;
  }

  /** A device is no more, which is to be stored with the next flush. */
  removeDevice(device: Uuid): void {
    this.devices?.delete(device);
    this.removedDevices ??= new Set();
    this.removedDevices.add(device);
  }

  /** The devices whose removal is to be stored now. */
  takeRemovedDevices(): Iterable<Uuid> {
    const removed = this.removedDevices ?? NONE;
    this.removedDevices = null;
    return removed;
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
    const { user, value } = row;
    this.putDevice({ user, device, position, seen_at: now, value });
    return this.retrim();
  }

  /**
   * Devices that are connected, here or `elsewhere`, count as seen, noted once in a `keepMs / 30`; those that weren't seen for `keepMs` are
   * forgotten. Answers whether anything changed.
   */
  expire(now: number, keepMs: number, elsewhere: ReadonlySet<Uuid>): boolean {
    const connected = new Set([...elsewhere, ...this.feeds.map(({ device }) => device)]);
    let changed = false;
    for (const [device, row] of this.devices ?? []) {
      const unseen = now - row.seen_at;
      if (connected.has(device)) {
        if (unseen < keepMs / 30) continue;
        this.putDevice({ ...row, seen_at: now });
      } else {
        if (unseen < keepMs) continue;
        this.devices?.delete(device);
      }
      changed = true;
    }
    return changed;
  }

  /** Whether some device wasn't seen for so many milliseconds. */
  hasUnseen(now: number, ms: number): boolean {
    for (const { seen_at } of this.devices?.values() ?? []) if (now - seen_at >= ms) return true;
    return false;
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

const NONE: never[] = [];
