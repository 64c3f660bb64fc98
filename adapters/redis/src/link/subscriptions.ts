import { randomUUID } from "node:crypto";
import { Bundle } from "./bundle.js";
import { Ear } from "./ear.js";
import type { Servers } from "./servers.js";
import { nameOf } from "./slot-map.js";

export interface SubscriptionsOptions {
  readonly servers: Servers;
  /** How often each way is tried; a subscription that died silently is found after at most twice as long. */
  readonly probeMs: number;
  /** Messages may have been lost. They come again by now. */
  lost(): void;
}

/** How long the news of several ways that were mended together wait for each other. */
const LOST_MS = 10;

/**
 * Subscriptions to sharded channels that are there again by themselves, whatever happens to connections, servers and
 * slots, and that are known to work: for each group of channels with one tag a message goes out on a channel of its
 * own and has to come back.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #id = randomUUID();
  readonly #bundles = new Map<string, Bundle>();
  readonly #ears = new Map<string, Ear>();
  readonly #prober: NodeJS.Timeout;
  #lostTimer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#prober = setInterval(() => this.#probe(), options.probeMs);
  }

  /** From now on messages of that channel go to `handler`, as soon and as long as that is possible. */
  want(channel: string, handler: (bytes: Uint8Array) => void): void {
    if (this.#closed) return;
    const tag = tagOf(channel);
    let bundle = this.#bundles.get(tag);
    if (bundle === undefined) {
      bundle = this.#newBundle(tag);
      this.#bundles.set(tag, bundle);
    }
    bundle.want(channel, handler);
  }

  /** Resolves when the channel is subscribed to. Rejects with `store_unavailable` at the deadline. */
  async subscribed(channel: string): Promise<void> {
    await this.#bundles.get(tagOf(channel))?.subscribed(channel, this.#options.servers.deadlineMs);
  }

  /** Its handler isn't called any more. */
  unwant(channel: string): void {
    const tag = tagOf(channel);
    const bundle = this.#bundles.get(tag);
    if (bundle === undefined) return;
    bundle.unwant(channel);
    if (bundle.wanted) return;
    bundle.close();
    this.#bundles.delete(tag);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#prober);
    if (this.#lostTimer !== null) clearTimeout(this.#lostTimer);
    for (const bundle of this.#bundles.values()) bundle.close();
    for (const ear of this.#ears.values()) ear.close();
    this.#bundles.clear();
    this.#ears.clear();
  }

  #newBundle(tag: string): Bundle {
    return new Bundle({
      probeChannel: `{${tag}}:probe:${this.#id}`,
      servers: this.#options.servers,
      ear: () => this.#earFor(tag),
      mended: () => this.#tellLost(),
    });
  }

  #earFor(tag: string): Ear {
    const { servers } = this.#options;
    const address = servers.addressOf(`{${tag}}`);
    const name = address === null ? "" : nameOf(address);
    const there = this.#ears.get(name);
    if (there !== undefined) return there;
    const ear: Ear = new Ear(servers, address, {
      down: () => {
        this.#ears.delete(name);
        for (const bundle of this.#bundles.values()) bundle.earDown(ear);
        if (servers.clustered) void servers.refresh();
      },
      message: (channel, bytes) => this.#bundles.get(tagOf(channel))?.message(channel, bytes),
    });
    this.#ears.set(name, ear);
    return ear;
  }

  #probe(): void {
    for (const bundle of this.#bundles.values()) bundle.probe();
  }

  #tellLost(): void {
    this.#lostTimer ??= setTimeout(() => {
      this.#lostTimer = null;
      this.#options.lost();
    }, LOST_MS);
  }
}

/** What decides where a channel is: what stands between its braces. */
function tagOf(channel: string): string {
  return channel.slice(channel.indexOf("{") + 1, channel.indexOf("}"));
}
