import type { UserId, Uuid } from "../model/ids.js";
import type { Entry } from "../model/message.js";
import type { FlushPart } from "../ports/flush-part.js";
import type { Offset } from "../ports/queue.js";
import type { DeviceRow, Storage, Write } from "../ports/storage.js";
import { type DeviceInfo, deviceInfoValue, entryValue } from "../ports/stored.js";
import { Feed, type Progress, type Subscriber } from "./feed.js";
import { Mailbox } from "./mailbox.js";
import { MailboxEntry } from "./mailbox-entry.js";

export interface MailboxesOptions {
  readonly storage: Storage;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds after which an undelivered entry goes, and a device that wasn't seen. */
  readonly keepMs: number;
  /** Called when there is something to flush that no record made. */
  readonly changed: () => void;
  /** Mailboxes that are held without a need, since they are likely to be needed again. Default none. */
  readonly idle?: number;
}

const NOWHERE: ReadonlySet<Uuid> = new Set();
const NOBODY: ReadonlyMap<UserId, ReadonlySet<Uuid>> = new Map();

/** Mailboxes that are looked at when one is to be let go. */
const LOOKED_AT = 16;

interface Unreleased {
  readonly mailbox: Mailbox;
  readonly entry: MailboxEntry;
}

export interface Attachment {
  readonly feed: Feed;
  /** The device's position can't be continued at. */
  readonly gap: boolean;
  /** The connection is gone. */
  detach(): void;
}

/**
 * All mailboxes whose entries one owner of the log makes. An entry is appended under the log's offset without a read
 * [R3], released to whoever is connected once a durable place holds it [R1], and written with the next flush unless
 * every device of its user has acknowledged it by then.
 */
export class Mailboxes implements Progress, FlushPart {
  flushed: Offset;
  released: Offset;
  /** Entries that are in memory only, and about how many bytes they take: one entry in several mailboxes counts once each. */
  readonly pending = { entries: 0, bytes: 0 };

  private readonly mailboxes = new Map<UserId, Mailbox>();
  private readonly dirty = new Set<Mailbox>();
  private unreleased: Unreleased[] = [];
  private readonly loading = new Map<UserId, Promise<void>>();
  /** How many devices of a user are being admitted. */
  private readonly admitting = new Map<UserId, number>();

  constructor(
    private readonly options: MailboxesOptions,
    checkpoint: Offset,
  ) {
    this.flushed = checkpoint;
    this.released = checkpoint;
  }

  get size(): number {
    return this.mailboxes.size;
  }

  /**
   * Puts an entry into the mailboxes of its recipients. Shown to nobody before `release`. `appended` is told of each,
   * and of the position of the entry before; null where that isn't known.
   */
  append(
    position: Offset,
    entry: Entry,
    recipients: Iterable<UserId>,
    appended?: (user: UserId, previous: Offset | null) => void,
  ): void {
    const shared = new MailboxEntry(position, entry);
    const { size } = shared;
    for (const user of recipients) {
      const mailbox = this.mailbox(user);
      if (user === entry.sender && toldByTheAcknowledgement(mailbox, entry.sender_device)) continue;
      appended?.(user, mailbox.head === 0 ? null : mailbox.head);
      mailbox.append(shared);
      this.pending.entries++;
      this.pending.bytes += size;
      this.dirty.add(mailbox);
      this.unreleased.push({ mailbox, entry: shared });
    }
  }

  /** Everything appended up to here may be shown. */
  release(upTo: Offset): void {
    const { unreleased } = this;
    let count = 0;
    for (; count < unreleased.length; count++) {
      const { mailbox, entry } = unreleased[count] as Unreleased;
      if (entry.position > upTo) break;
      for (const feed of mailbox.feeds) feed.push(entry);
    }
    this.unreleased = count === unreleased.length ? [] : unreleased.slice(count);
    this.released = upTo;
  }

  /** The end of a connected user's mailbox: no released entry lies beyond, in memory or in storage. */
  head(user: UserId): Offset {
    return Math.min(this.mailboxes.get(user)?.end ?? this.released, this.released);
  }

  /** No released entry of a user lies beyond, connected or not. */
  extent(user: UserId): Offset {
    return Math.min(this.mailboxes.get(user)?.head || this.released, this.released);
  }

  /** How far a connected user's device has acknowledged. */
  acknowledged(user: UserId, device: Uuid): Offset {
    return this.mailboxes.get(user)?.devices?.get(device)?.position ?? 0;
  }

  /**
   * Connects a device: from now on everything that is released is kept for it, and its feed brings all from after
   * `position`. A device that is new is stored before it counts, so that nothing is forgotten that it hasn't got.
   */
  async attach(
    user: UserId,
    device: Uuid,
    info: DeviceInfo,
    position: Offset | undefined,
    subscriber: Subscriber,
  ): Promise<Attachment> {
    const mailbox = this.mailbox(user);
    // Holds the mailbox in memory while it waits.
    const held = new Feed(mailbox, subscriber, this, this.options.storage, 0);
    mailbox.addFeed(held);
    try {
      const { gap, after } = await this.admit(user, device, info, position);
      const feed = new Feed(mailbox, subscriber, this, this.options.storage, after);
      mailbox.addFeed(feed);
      return { feed, gap, detach: () => this.detach(user, device, feed) };
    } finally {
      held.close();
      this.letGo(mailbox);
    }
  }

  /**
   * Notes that a device is there. Answers what it has everything up to, and whether the position that it names can't
   * be continued at: it is from before `since`, or from no life of this mailbox.
   */
  async admit(
    user: UserId,
    device: Uuid,
    info: DeviceInfo,
    position: Offset | undefined,
    since: Offset = 0,
  ): Promise<{ readonly gap: boolean; readonly after: Offset }> {
    const mailbox = this.mailbox(user);
    this.admitting.set(user, (this.admitting.get(user) ?? 0) + 1);
    try {
      await this.loadDevices(mailbox);
      return await this.admitTo(mailbox, device, info, position, since);
    } finally {
      const left = (this.admitting.get(user) ?? 1) - 1;
      if (left > 0) this.admitting.set(user, left);
      else this.admitting.delete(user);
    }
  }

  private async admitTo(
    mailbox: Mailbox,
    device: Uuid,
    info: DeviceInfo,
    position: Offset | undefined,
    since: Offset,
  ): Promise<{ readonly gap: boolean; readonly after: Offset }> {
    const known = mailbox.devices?.get(device);
    const had = known?.position ?? 0;
    const gap =
      position !== undefined && (known === undefined || position < Math.max(had, since) || position > this.released);
    const after = gap ? had : (position ?? had);
    await this.noteDevice(mailbox, device, info, known, position === undefined || gap ? had : after);
    return { gap, after };
  }

  /** Loads the devices of users that aren't known yet. */
  async know(users: Iterable<UserId>): Promise<void> {
    const unknown: Promise<void>[] = [];
    for (const user of users) {
      const mailbox = this.mailbox(user);
      if (mailbox.devices === null) unknown.push(this.loadDevices(mailbox));
    }
    await Promise.all(unknown);
  }

  /** A device was there, at a time in milliseconds since 1970. */
  seen(user: UserId, device: Uuid, seen_at: number): void {
    const mailbox = this.mailboxes.get(user);
    const row = mailbox?.devices?.get(device);
    if (mailbox === undefined || row === undefined || row.seen_at > seen_at) return;
    mailbox.putDevice({ ...row, seen_at });
    this.dirty.add(mailbox);
    this.options.changed();
  }

  /** Whether every device that the user is known to have has everything. */
  hasAll(user: UserId): boolean {
    const mailbox = this.mailboxes.get(user);
    return mailbox === undefined || mailbox.trimmed >= mailbox.head;
  }

  private detach(user: UserId, device: Uuid, feed: Feed): void {
    feed.close();
    this.seen(user, device, this.options.now());
    const mailbox = this.mailboxes.get(user);
    if (mailbox !== undefined) this.letGo(mailbox);
  }

  /** A device durably has everything up to a position. */
  acknowledge(user: UserId, device: Uuid, position: Offset): void {
    const mailbox = this.mailboxes.get(user);
    if (mailbox === undefined) return;
    const trims = mailbox.acknowledge(device, Math.min(position, this.released), this.options.now());
    this.dirty.add(mailbox);
    this.options.changed();
    if (trims) this.forget(mailbox.dropUpTo(mailbox.trimmed));
  }

  /** A device is unlinked: what waited only for it may go. Storage knows behind the next flush. */
  removeDevice(user: UserId, device: Uuid): void {
    const mailbox = this.mailbox(user);
    mailbox.removeDevice(device);
    this.dirty.add(mailbox);
    if (mailbox.retrim()) this.forget(mailbox.dropUpTo(mailbox.trimmed));
    this.options.changed();
  }

  /**
   * Notes devices that are connected as seen, and forgets those that weren't for so long that storage forgets them:
   * what waited only for them may go.
   */
  expire(connectedElsewhere: ReadonlyMap<UserId, ReadonlySet<Uuid>> = NOBODY): void {
    for (const mailbox of this.mailboxes.values()) {
      const elsewhere = connectedElsewhere.get(mailbox.user) ?? NOWHERE;
      if (!mailbox.expire(this.options.now(), this.options.keepMs, elsewhere)) continue;
      this.dirty.add(mailbox);
      if (mailbox.retrim()) this.forget(mailbox.dropUpTo(mailbox.trimmed));
      this.options.changed();
    }
  }

  /** Users with a device that wasn't seen for a while, of whom it is to be known whether they are connected elsewhere. */
  unseen(): UserId[] {
    const { now, keepMs } = this.options;
    const unseen = [...this.mailboxes.values()].filter((mailbox) => mailbox.hasUnseen(now(), keepMs / 30));
    return unseen.map(({ user }) => user);
  }

  /** What a flush up to `upTo` has to write. Each mailbox's rows are one write. [R3 b] */
  collect(upTo: Offset): Write[] {
    const writes: Write[] = [];
    const expires_at = this.options.now() + this.options.keepMs;
    for (const mailbox of this.dirty) {
      const { user } = mailbox;
      const rows = mailbox
        .pendingBetween(0, upTo)
        .map(({ position, entry }) => ({ position, value: entryValue(entry) }));
      if (rows.length > 0) {
        writes.push({ kind: "mailbox", user, rows, expires_at });
        mailbox.storedUpTo = (rows.at(-1) as { position: Offset }).position;
      }
      if (mailbox.trimmed > 0 && mailbox.storedUpTo > 0) {
        writes.push({ kind: "trim", user, position: mailbox.trimmed });
        if (mailbox.trimmed >= mailbox.storedUpTo) mailbox.storedUpTo = 0;
      }
      for (const device of mailbox.takeRemovedDevices()) writes.push({ kind: "device_removed", user, device });
      for (const row of mailbox.takeChangedDevices()) {
        writes.push({ kind: "device", ...row, expires_at: row.seen_at + this.options.keepMs });
      }
    }
    return writes;
  }

  /** A flush up to `upTo` has landed: its entries needn't be held any more. */
  landed(upTo: Offset): void {
    this.flushed = upTo;
    for (const mailbox of this.dirty) {
      this.forget(mailbox.dropUpTo(upTo));
      if (mailbox.isWritten) {
        this.dirty.delete(mailbox);
        this.letGo(mailbox);
      }
    }
  }

  private forget(entries: readonly MailboxEntry[]): void {
    this.pending.entries -= entries.length;
    for (const entry of entries) this.pending.bytes -= entry.size;
  }

  private mailbox(user: UserId): Mailbox {
    let mailbox = this.mailboxes.get(user);
    if (mailbox === undefined) {
      mailbox = new Mailbox(user, this.flushed);
      this.mailboxes.set(user, mailbox);
    }
    return mailbox;
  }

  private letGo(mailbox: Mailbox): void {
    const { idle = 0 } = this.options;
    if (!mailbox.idle || this.dirty.has(mailbox)) return;
    if (idle === 0) this.mailboxes.delete(mailbox.user);
    else if (this.mailboxes.size > idle) this.letOldestGo();
  }

  /** Lets some go that aren't needed now, of those that have been here for the longest time. */
  private letOldestGo(): void {
    let looked = 0;
    for (const [user, mailbox] of this.mailboxes) {
      if (++looked > LOOKED_AT) return;
      if (mailbox.idle && !this.dirty.has(mailbox) && !this.isAwaited(user)) this.mailboxes.delete(user);
    }
  }

  private isAwaited(user: UserId): boolean {
    return this.loading.has(user) || this.admitting.has(user);
  }

  private loadDevices(mailbox: Mailbox): Promise<void> {
    if (mailbox.devices !== null) return Promise.resolve();
    const { user } = mailbox;
    const under = this.loading.get(user);
    if (under !== undefined) return under;
    const load = this.options.storage
      .devices(user)
      .then((rows) => {
        mailbox.knowDevices(rows);
      })
      .finally(() => this.loading.delete(user));
    this.loading.set(user, load);
    return load;
  }

  private async noteDevice(
    mailbox: Mailbox,
    device: Uuid,
    info: DeviceInfo,
    known: DeviceRow | undefined,
    position: Offset,
  ): Promise<void> {
    const now = this.options.now();
    const row: DeviceRow = { user: mailbox.user, device, position, seen_at: now, value: deviceInfoValue(info) };
    if (known === undefined) {
      await this.options.storage.write([{ kind: "device", ...row, expires_at: now + this.options.keepMs }]);
    }
    // Written once more where it is new: a flush may have been under way that removes it.
    mailbox.putDevice(row);
    this.dirty.add(mailbox);
    if (mailbox.retrim()) this.forget(mailbox.dropUpTo(mailbox.trimmed));
  }
}

/** The only device that a user has needs no row for what it sends itself. */
function toldByTheAcknowledgement(mailbox: Mailbox, device: Uuid): boolean {
  return mailbox.devices?.size === 1 && mailbox.devices.has(device);
}
