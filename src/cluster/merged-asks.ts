import type { UserId } from "../model/ids.js";
import type { NodeLink } from "./node-link.js";
import type { Question } from "./node-message.js";

/** So many items go into one question, at most. */
const MOST = 2_000;
/** How long (ms) what devices report waits for company. */
const MERGE_MS = 30;

interface Waiting<Item> {
  items: Map<string, Item>;
  asking: Promise<void> | null;
  timer: NodeJS.Timeout | null;
}

export interface MergedAsksOptions<Item> {
  readonly link: NodeLink;
  /** What an item is of: a later one of the same key takes the place of the earlier one. */
  readonly keyOf: (item: Item) => string;
  readonly userOf: (item: Item) => UserId;
  readonly merge: (before: Item, after: Item) => Item;
  readonly question: (items: readonly Item[]) => Question;
  /** The owner has them. */
  readonly confirmed: (items: readonly Item[]) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Tells owners of partitions what only grows, until they have confirmed it: merged while it waits, one question at a
 * time to each. Its memory is bounded by what it is about.
 */
export class MergedAsks<Item> {
  private readonly waiting = new Map<string, Waiting<Item>>();
  /** How many items of each user aren't confirmed. */
  private readonly unconfirmed = new Map<UserId, number>();
  private closed = false;

  constructor(private readonly options: MergedAsksOptions<Item>) {}

  add(topic: string, item: Item): void {
    const { keyOf, merge, userOf } = this.options;
    let waiting = this.waiting.get(topic);
    if (waiting === undefined) {
      waiting = { items: new Map(), asking: null, timer: null };
      this.waiting.set(topic, waiting);
    }
    const key = keyOf(item);
    const before = waiting.items.get(key);
    waiting.items.set(key, before === undefined ? item : merge(before, item));
    if (before === undefined) this.count(userOf(item), 1);
    this.askSoon(topic, waiting);
  }

  /** Whether everything that was told of a user has arrived. */
  isConfirmed(user: UserId): boolean {
    return !this.unconfirmed.has(user);
  }

  /** Tells owners what still waits, within a deadline in milliseconds, and ends. */
  async close(deadlineMs: number): Promise<void> {
    const told = Promise.all([...this.waiting.keys()].map((topic) => this.flush(topic)));
    let late: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      late = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([told, deadline]);
    clearTimeout(late);
    this.closed = true;
    for (const { timer } of this.waiting.values()) if (timer !== null) clearTimeout(timer);
    this.waiting.clear();
  }

  /** Tells an owner now what waits for it. Resolves when it has that, or can't be reached. */
  async flush(topic: string): Promise<void> {
    const waiting = this.waiting.get(topic);
    if (waiting === undefined) return;
    await waiting.asking;
    if (waiting.items.size > 0) await this.ask(topic, waiting);
  }

  private askSoon(topic: string, waiting: Waiting<Item>): void {
    if (this.closed || waiting.asking !== null) return;
    waiting.timer ??= setTimeout(() => void this.ask(topic, waiting), MERGE_MS);
  }

  private ask(topic: string, waiting: Waiting<Item>): Promise<void> {
    if (waiting.timer !== null) clearTimeout(waiting.timer);
    waiting.timer = null;
    waiting.asking ??= this.askNow(topic, waiting).finally(() => {
      waiting.asking = null;
      if (waiting.items.size > 0) this.askSoon(topic, waiting);
      else this.waiting.delete(topic);
    });
    return waiting.asking;
  }

  private async askNow(topic: string, waiting: Waiting<Item>): Promise<void> {
    const { link, question, confirmed, failed, userOf } = this.options;
    const all = [...waiting.items];
    const items = new Map(all.slice(0, MOST));
    waiting.items = new Map(all.slice(MOST));
    const asked = [...items.values()];
    try {
      await link.ask(topic, question(asked));
      for (const item of asked) this.count(userOf(item), -1);
      confirmed(asked);
    } catch (error) {
      if (this.closed) return;
      failed(error);
      this.putBack(items, waiting);
    }
  }

  private putBack(items: ReadonlyMap<string, Item>, waiting: Waiting<Item>): void {
    const { merge, userOf } = this.options;
    for (const [key, item] of items) {
      const newer = waiting.items.get(key);
      if (newer !== undefined) this.count(userOf(item), -1);
      waiting.items.set(key, newer === undefined ? item : merge(item, newer));
    }
  }

  private count(user: UserId, more: number): void {
    const count = (this.unconfirmed.get(user) ?? 0) + more;
    if (count > 0) this.unconfirmed.set(user, count);
    else this.unconfirmed.delete(user);
  }
}
