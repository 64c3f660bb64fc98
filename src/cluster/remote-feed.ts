import type { Subscriber } from "../delivery/feed.js";
import { MailboxEntry } from "../delivery/mailbox-entry.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Offset } from "../ports/queue.js";
import type { Storage } from "../ports/storage.js";
import { entryFrom } from "../ports/stored.js";
import type { Admission, Extent } from "./node-message.js";

const PAGE = 32;
/** Entries that came live while earlier ones are still read from storage: more are read from there as well. */
const CHAIN = 64;
const RETRY_MS = 500;

export interface RemoteFeedOptions {
  readonly user: UserId;
  readonly subscriber: Subscriber;
  readonly storage: Pick<Storage, "mailbox">;
  /** How far the mailbox goes, with all that was acknowledged to anybody before the call. */
  readonly extent: () => Promise<Extent>;
  /** Resolves when everything up to a position is in storage that has to be there, with how far that is. */
  readonly flushedTo: (position: Offset) => Promise<Offset>;
}

/**
 * Brings one connection everything in a mailbox whose owner is another node, in order, once. Each live entry names the
 * one before it: where the connection hasn't had that, it is fed from storage until it has. [R3 a]
 */
export class RemoteFeed {
  /** Entries up to here may be there. */
  head: Offset = 0;
  private sent: Offset = 0;
  /** Beyond here the device is told of what it sends itself by the acknowledgements. */
  private ownUpTo: Offset = 0;
  /** Live entries that follow each other without a hole, the first of them right behind `chainAfter`. */
  private chain: MailboxEntry[] = [];
  private chainAfter: Offset = 0;
  private begun = false;
  private live = false;
  private reading = false;
  private closed = false;
  private announced = false;
  /** Acknowledgements to the connection, each of which may stand behind entries that haven't come. */
  private acknowledged = 0;
  /** How many of them there were when the question was put that told how far the mailbox goes. */
  private asOf = 0;
  private retry: NodeJS.Timeout | null = null;
  /** Reading starts over behind what it did under an older number. */
  private run = 0;

  constructor(private readonly options: RemoteFeedOptions) {}

  get device(): Uuid {
    return this.options.subscriber.device;
  }

  /** What the owner says of where the device is. Live entries may have come before. */
  begin({ after, head }: Pick<Admission, "after" | "head">): void {
    this.begun = true;
    this.sent = after;
    this.ownUpTo = head;
    this.head = Math.max(this.head, head);
  }

  start(): void {
    void this.read();
  }

  resume(): void {
    if (!this.live) void this.read();
  }

  restart(after: Offset): void {
    this.run++;
    this.acknowledged++;
    this.sent = Math.min(after, this.sent);
    this.ownUpTo = this.head;
    this.live = this.reading = this.announced = false;
    void this.read();
  }

  /**
   * No entry of this mailbox stands in for an acknowledgement: those come from another log, and may be ahead of the
   * entries that came before them.
   */
  isAt(): boolean {
    this.acknowledged++;
    return false;
  }

  /**
   * How far the mailbox goes, with all that comes before what has been acknowledged to the connection when the promise
   * resolves. Where something always is, there may be more than anybody knows.
   */
  async extent(): Promise<Offset> {
    if (this.stale) await this.ask();
    return this.stale ? Number.MAX_SAFE_INTEGER : this.head;
  }

  /** There may be more that comes before what was acknowledged, also while an answer is on its way that will tell. */
  private get stale(): boolean {
    return this.asOf < this.acknowledged;
  }

  private async ask(): Promise<void> {
    const asOf = this.acknowledged;
    const { head, since } = await this.options.extent();
    this.asOf = Math.max(this.asOf, asOf);
    this.look(head);
    this.began(since);
  }

  close(): void {
    this.closed = true;
    if (this.retry !== null) clearTimeout(this.retry);
  }

  /** The mailbox may have lost what came before: the connection begins anew where it had got less far. */
  began(since: Offset): void {
    if (this.begun && !this.closed && this.sent < since) this.options.subscriber.beginAnew();
  }

  /** A new entry; `previous` is the position of the one before it, null where its owner doesn't know. */
  push(entry: MailboxEntry, previous: Offset | null): void {
    const { position } = entry;
    this.head = Math.max(this.head, position);
    if (this.closed || (this.begun && position <= this.sent)) return;
    if (this.live && previous !== null && previous <= this.sent && this.options.subscriber.ready) {
      this.deliver(entry);
      return;
    }
    this.live = false;
    this.keep(entry, previous);
    void this.read();
  }

  /** There are entries up to here, which may not have come. */
  look(head: Offset): void {
    this.head = Math.max(this.head, head);
    if (this.closed || this.sent >= head) return;
    this.live = false;
    void this.read();
  }

  private keep(entry: MailboxEntry, previous: Offset | null): void {
    const last = this.chain.at(-1)?.position;
    if (previous !== null && previous === last && this.chain.length < CHAIN) {
      this.chain.push(entry);
      return;
    }
    this.chain = previous === null ? [] : [entry];
    this.chainAfter = previous ?? 0;
  }

  private deliver(entry: MailboxEntry): void {
    const { user, subscriber } = this.options;
    const { sender, sender_device } = entry.entry;
    // Another user's device may have the same id.
    const own = sender_device === subscriber.device && sender === user;
    if (!own || entry.position <= this.ownUpTo) subscriber.deliver(entry);
    this.sent = entry.position;
  }

  private async read(): Promise<void> {
    if (this.reading || this.closed || !this.begun) return;
    this.reading = true;
    const { run } = this;
    const { subscriber } = this.options;
    try {
      while (!this.closed && run === this.run && subscriber.ready) {
        // What the chain holds needn't be read.
        const goal = this.chain.length > 0 ? this.chainAfter : this.head;
        if (this.sent >= goal && this.stale && !this.announced) await this.ask();
        else if (this.sent >= goal) {
          if (this.joinChain()) break;
        } else await this.readTo(goal, run);
      }
    } catch (error) {
      subscriber.failed(error);
      this.readAgainLater();
    } finally {
      if (run === this.run) this.reading = false;
    }
  }

  private async readTo(goal: Offset, run: number): Promise<void> {
    if (await this.page(Number.MAX_SAFE_INTEGER, run)) return;
    if (this.closed || run !== this.run || this.sent >= goal) return;
    // The rest isn't written yet, or needn't be.
    const flushed = await this.options.flushedTo(goal);
    if (await this.page(flushed, run)) return;
    if (!this.closed && run === this.run && this.options.subscriber.ready) this.sent = Math.max(this.sent, flushed);
  }

  /** Delivers a page of what is stored up to a position. Answers whether there may be more of it. */
  private async page(upTo: Offset, run: number): Promise<boolean> {
    const { storage, user, subscriber } = this.options;
    const rows = await storage.mailbox(user, this.sent, upTo, PAGE);
    for (const { position, value } of rows) {
      if (this.closed || run !== this.run || !subscriber.ready) return false;
      this.deliver(new MailboxEntry(position, entryFrom(value)));
    }
    return rows.length === PAGE;
  }

  /** Delivers what came live meanwhile and goes live, all in one turn. False where more is to be read first. */
  private joinChain(): boolean {
    const { subscriber } = this.options;
    while (this.chain.length > 0) {
      if (!subscriber.ready) return true;
      const entry = this.chain.shift() as MailboxEntry;
      if (entry.position > this.sent) this.deliver(entry);
      this.chainAfter = Math.max(this.chainAfter, entry.position);
    }
    if (this.sent < this.head) return false;
    this.live = true;
    if (!this.announced) {
      this.announced = true;
      subscriber.synced(this.sent);
    }
    return true;
  }

  private readAgainLater(): void {
    if (this.closed) return;
    this.retry = setTimeout(() => void this.read(), RETRY_MS);
    this.retry.unref();
  }
}
