import type { Subscriber } from "../delivery/feed.js";
import { MailboxEntry } from "../delivery/mailbox-entry.js";
import { pause } from "../log/retry.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Offset } from "../ports/queue.js";
import type { Storage } from "../ports/storage.js";
import { type DeviceInfo, entryFrom } from "../ports/stored.js";
import { BatchedAsk } from "./batched-ask.js";
import { MergedAsks } from "./merged-asks.js";
import type { NodeLink } from "./node-link.js";
import type { Acknowledged, Admission, Extent, Push } from "./node-message.js";
import { RemoteFeed } from "./remote-feed.js";
import type { Routes } from "./topics.js";

export interface MailboxClientOptions {
  readonly link: NodeLink;
  readonly routes: Routes;
  readonly storage: Pick<Storage, "mailbox">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether the owners of conversations have everything that was reported for a user. */
  readonly reportsConfirmed: (user: UserId) => boolean;
  readonly failed: (error: unknown) => void;
}

/** Feeds that are made to look again after bytes were lost: so many at a time, with a pause, or storage would suffer. */
const SLICE = 200;
const SLICE_PAUSE_MS = 50;

interface Connected {
  readonly feeds: Set<RemoteFeed>;
  /** For each device when its owner was last told that it is there, in milliseconds since 1970. */
  readonly told: Map<Uuid, number>;
  /** For each device how far its owner surely knows it to have got. */
  readonly confirmed: Map<Uuid, Offset>;
}

/** The mailboxes of the users that are connected here, as their owners, on whatever nodes, keep them. */
export class MailboxClient {
  private readonly connected = new Map<UserId, Connected>();
  private readonly positions: MergedAsks<Acknowledged>;
  private readonly extents: BatchedAsk<Extent>;
  /** For each owner the flush that is waited for. */
  private readonly flushes = new Map<string, { readonly upTo: Offset; readonly done: Promise<Offset> }>();
  private closed = false;

  constructor(private readonly options: MailboxClientOptions) {
    const { link, failed } = options;
    this.extents = new BatchedAsk((owner, users) => link.ask(owner, { about: "extents", users }));
    this.positions = new MergedAsks<Acknowledged>({
      link,
      failed,
      keyOf: ([user, device]) => device + user,
      userOf: ([user]) => user,
      // A device that left has 0, which says nothing of how far it got.
      merge: (before, after) => (after[2] >= before[2] ? after : before),
      question: (positions) => ({ about: "positions", positions }),
      confirmed: (positions) => {
        for (const [user, device, position] of positions) {
          const confirmed = this.connected.get(user)?.confirmed;
          if (confirmed !== undefined) confirmed.set(device, Math.max(confirmed.get(device) ?? 0, position));
        }
      },
    });
  }

  async attach(
    user: UserId,
    device: Uuid,
    info: DeviceInfo,
    position: Offset | undefined,
    subscriber: Subscriber,
  ): Promise<{ feed: RemoteFeed; gap: boolean; detach(): void }> {
    const { link, routes, storage } = this.options;
    const owner = routes.mailboxOwner(user);
    const flushedTo = (upTo: Offset): Promise<Offset> => this.flushedTo(owner, upTo);
    const extent = (): Promise<Extent> => this.extents.ask(owner, user);
    const feed = new RemoteFeed({ user, subscriber, storage, extent, flushedTo });
    // Before the owner is asked, so that nothing falls in between. [R3 c]
    const connected = this.connect(user);
    connected.feeds.add(feed);
    try {
      await this.positions.flush(owner);
      const admission = await link.ask<Admission>(owner, {
        about: "attach",
        user,
        device,
        info,
        position: position ?? null,
      });
      feed.begin(admission);
      connected.confirmed.set(device, admission.after);
      connected.told.set(device, this.options.now());
      return { feed, gap: admission.gap, detach: () => this.detach(user, device, feed) };
    } catch (error) {
      this.disconnect(user, feed);
      throw error;
    }
  }

  private connect(user: UserId): Connected {
    let connected = this.connected.get(user);
    if (connected === undefined) {
      connected = { feeds: new Set(), told: new Map(), confirmed: new Map() };
      this.connected.set(user, connected);
    }
    return connected;
  }

  private detach(user: UserId, device: Uuid, feed: RemoteFeed): void {
    this.disconnect(user, feed);
    this.tell(user, device, 0);
  }

  private disconnect(user: UserId, feed: RemoteFeed): void {
    feed.close();
    const connected = this.connected.get(user);
    connected?.feeds.delete(feed);
    connected?.told.delete(feed.device);
    if (connected?.feeds.size === 0) this.connected.delete(user);
  }

  acknowledge(user: UserId, device: Uuid, position: Offset): void {
    if (position <= (this.connected.get(user)?.confirmed.get(device) ?? 0)) return;
    this.tell(user, device, position);
  }

  /** Tells the owners of devices that have been connected for long and quietly that they are still there. */
  refresh(everyMs: number): void {
    const now = this.options.now();
    for (const [user, { told }] of this.connected) {
      for (const [device, at] of told) {
        if (now - at < everyMs) continue;
        told.set(device, now);
        this.tell(user, device, 0);
      }
    }
  }

  private tell(user: UserId, device: Uuid, position: Offset): void {
    const { routes, now } = this.options;
    if (!this.closed) this.positions.add(routes.mailboxOwner(user), [user, device, position, now()]);
  }

  /** Watermarks that were reported with a position have to be known as well before it is shown as known. */
  acknowledged(user: UserId, device: Uuid): Offset {
    return this.options.reportsConfirmed(user) ? (this.connected.get(user)?.confirmed.get(device) ?? 0) : 0;
  }

  async head(user: UserId, device: Uuid): Promise<Offset> {
    for (const feed of this.connected.get(user)?.feeds ?? []) if (feed.device === device) return feed.extent();
    return Number.MAX_SAFE_INTEGER;
  }

  // ── what owners send ─────────────────────────────────────────────────────────────────────────────────────────────

  pushed({ position, value, targets }: Push): void {
    let entry: MailboxEntry | null = null;
    for (const [user, previous] of targets) {
      for (const feed of this.connected.get(user)?.feeds ?? []) {
        entry ??= new MailboxEntry(position, entryFrom(value));
        feed.push(entry, previous);
      }
    }
  }

  look(user: UserId, head: Offset): void {
    for (const feed of this.connected.get(user)?.feeds ?? []) feed.look(head);
  }

  /** The mailboxes of a partition may have lost what came before: whoever was fed from there has to begin anew. */
  began(partition: number, since: Offset): void {
    for (const [user, { feeds }] of this.connected) {
      if (this.options.routes.mailbox(user) === partition) for (const feed of feeds) feed.began(since);
    }
  }

  /** Bytes from other nodes may have been lost: every feed looks into storage, not all at once. */
  async lost(): Promise<void> {
    const users = [...this.connected.keys()];
    for (let from = 0; from < users.length && !this.closed; from += SLICE) {
      await Promise.all(
        users.slice(from, from + SLICE).map(async (user) => {
          const { head, since } = await this.extents.ask(this.options.routes.mailboxOwner(user), user);
          for (const feed of this.connected.get(user)?.feeds ?? []) feed.began(since);
          this.look(user, head);
        }),
      );
      await pause(SLICE_PAUSE_MS);
    }
  }

  /** One question to an owner at a time serves all feeds that wait for no more. */
  private async flushedTo(owner: string, upTo: Offset): Promise<Offset> {
    const under = this.flushes.get(owner);
    if (under !== undefined && under.upTo >= upTo) return under.done;
    const done = this.options.link.ask<Offset>(owner, { about: "flushed", upTo }).finally(() => {
      if (this.flushes.get(owner)?.done === done) this.flushes.delete(owner);
    });
    this.flushes.set(owner, { upTo, done });
    return done;
  }

  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    await this.positions.close(deadlineMs);
  }
}
