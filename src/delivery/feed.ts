import type { Uuid } from "../model/ids.js";
import type { Offset } from "../ports/queue.js";
import type { Storage } from "../ports/storage.js";
import { entryFrom } from "../ports/stored.js";
import type { Mailbox } from "./mailbox.js";
import { MailboxEntry } from "./mailbox-entry.js";

/** A connection, as delivery sees it. */
export interface Subscriber {
  readonly device: Uuid;
  /** Whether it takes more now. Where not, it calls its feed's `resume` once it does. [R6] */
  readonly ready: boolean;
  deliver(entry: MailboxEntry): void;
  /** Everything stored up to `position` has been delivered; what follows is live. */
  synced(position: Offset): void;
  /** The mailbox has another beginning than the one that was delivered from: the connection has to begin anew. */
  beginAnew(): void;
  /** Storage couldn't be read; it will be tried again. */
  failed(error: unknown): void;
}

/** How far the rows of the log have got. */
export interface Progress {
  /** Everything up to here is in storage, where it must be kept at all. */
  readonly flushed: Offset;
  /** Everything up to here may be shown: a durable place holds it. [R1] */
  readonly released: Offset;
}

const PAGE = 32;
const RETRY_MS = 500;

/**
 * Brings one connection everything in its mailbox, in order, once. It reads what is stored, joins what is pending in
 * memory to it in one step, and takes what comes live from then on; a connection that can't take more falls back to
 * reading later, so the mailbox is the only buffer. [R3 c] [R6]
 */
export class Feed {
  private live = false;
  private reading = false;
  private closed = false;
  private announced = false;
  private retry: NodeJS.Timeout | null = null;
  /** Reading starts over behind what it did under an older number. */
  private run = 0;

  constructor(
    private readonly mailbox: Mailbox,
    private readonly subscriber: Subscriber,
    private readonly progress: Progress,
    private readonly storage: Pick<Storage, "mailbox">,
    /** Everything up to here has been delivered to the connection. */
    private sent: Offset,
  ) {}

  get device(): Uuid {
    return this.subscriber.device;
  }

  /** Everything up to this position has been delivered, or stands in an answer to the connection, and no more. */
  isAt(position: Offset): boolean {
    return this.sent === position;
  }

  start(): void {
    void this.read();
  }

  /** The connection takes more again. */
  resume(): void {
    if (!this.live) void this.read();
  }

  /** Delivers everything from after a position again; one that isn't reached yet means the end. */
  restart(after: Offset): void {
    this.run++;
    this.sent = Math.min(after, this.progress.released);
    this.live = false;
    this.reading = false;
    this.announced = false;
    void this.read();
  }

  close(): void {
    this.closed = true;
    this.mailbox.removeFeed(this);
    if (this.retry !== null) clearTimeout(this.retry);
  }

  /** An entry has just been released. */
  push(entry: MailboxEntry): void {
    if (!this.live) return;
    if (!this.subscriber.ready) {
      this.live = false;
      return;
    }
    try {
      this.deliver(entry, true);
    } catch (error) {
      // What one connection can't be given is its own affair: whoever released goes on with the others.
      this.live = false;
      this.subscriber.failed(error);
      this.readAgainLater();
    }
  }

  private deliver(entry: MailboxEntry, live: boolean): void {
    const { sender, sender_device } = entry.entry;
    // A device is told of what it has just sent by the acknowledgement. Another user's may have the same id.
    const known = live && sender_device === this.subscriber.device && sender === this.mailbox.user;
    if (!known) this.subscriber.deliver(entry);
    this.sent = entry.position;
  }

  private async read(): Promise<void> {
    if (this.reading || this.closed) return;
    this.reading = true;
    const run = this.run;
    try {
      while (!this.closed && run === this.run) {
        if (!this.subscriber.ready) break;
        const stored = Math.min(this.progress.flushed, this.progress.released);
        if (this.sent < stored) {
          const rows = await this.storage.mailbox(this.mailbox.user, this.sent, stored, PAGE);
          if (this.closed || run !== this.run) return;
          for (const row of rows) {
            if (!this.subscriber.ready) break;
            this.deliver(new MailboxEntry(row.position, entryFrom(row.value)), false);
          }
          // The last page reaches to the end of what was stored when it was asked for.
          if (rows.length < PAGE && this.subscriber.ready) this.sent = stored;
        } else if (this.joinPending()) {
          break;
        }
      }
    } catch (error) {
      this.subscriber.failed(error);
      this.readAgainLater();
    } finally {
      if (run === this.run) this.reading = false;
    }
  }

  /** Delivers what is in memory only and goes live, all in one turn, so that nothing fits in between. */
  private joinPending(): boolean {
    const { released } = this.progress;
    for (const entry of this.mailbox.pendingBetween(this.sent, released)) {
      if (!this.subscriber.ready) return true;
      this.deliver(entry, false);
    }
    this.sent = Math.max(this.sent, released);
    this.live = true;
    if (!this.announced) {
      this.announced = true;
      this.subscriber.synced(this.sent);
    }
    return true;
  }

  private readAgainLater(): void {
    if (this.closed) return;
    this.retry = setTimeout(() => void this.read(), RETRY_MS);
    this.retry.unref();
  }
}
