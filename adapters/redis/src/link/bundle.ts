import { ChatError } from "sentseen/ports";
import type { Ear } from "./ear.js";
import type { Servers } from "./servers.js";
import { within } from "./within.js";

const PAUSE_MS = { first: 50, most: 2_000 };

export interface BundleOptions {
  /** Where the probes go that have to come back. */
  readonly probeChannel: string;
  readonly servers: Servers;
  /** The connection to the server that has the channels now. */
  ear(): Ear;
  /** It had been broken and is whole again. */
  mended(): void;
}

/** Channels that are changed at a time. */
const CHANNELS_AT_ONCE = 256;

interface Waiter {
  readonly channel: string;
  done(): void;
}

/** The channels of one tag, which are always on one server: subscribed together, probed together, mended together. */
export class Bundle {
  readonly #options: BundleOptions;
  readonly #wanted = new Map<string, (bytes: Uint8Array) => void>();
  readonly #subscribed = new Set<string>();
  /** Wanted, and not subscribed to yet. */
  #missing = new Set<string>();
  /** Subscribed to, and not wanted any more. */
  readonly #superfluous = new Set<string>();
  #waiters: Waiter[] = [];
  #ear: Ear | null = null;
  #settling = false;
  #broken = false;
  #pauseMs = PAUSE_MS.first;
  #pause: NodeJS.Timeout | null = null;
  #probes = 0;
  /** The probe that has to come back. */
  #awaited: string | null = null;
  #closed = false;

  constructor(options: BundleOptions) {
    this.#options = options;
    this.#wanted.set(options.probeChannel, (bytes) => this.#probed(bytes));
    this.#missing.add(options.probeChannel);
  }

  /** Whether it has any channel but its own. */
  get wanted(): boolean {
    return this.#wanted.size > 1;
  }

  want(channel: string, handler: (bytes: Uint8Array) => void): void {
    this.#wanted.set(channel, handler);
    if (this.#subscribed.has(channel)) this.#superfluous.delete(channel);
    else this.#missing.add(channel);
    void this.#settle();
  }

  unwant(channel: string): void {
    this.#wanted.delete(channel);
    this.#missing.delete(channel);
    if (this.#subscribed.has(channel)) this.#superfluous.add(channel);
    this.#waiters = this.#waiters.filter((waiter) => waiter.channel !== channel);
    void this.#settle();
  }

  async subscribed(channel: string, ms: number): Promise<void> {
    if (this.#subscribed.has(channel)) return;
    const done = new Promise<void>((resolve) => this.#waiters.push({ channel, done: resolve }));
    await within(done, ms, `Subscribing to ${channel}`);
  }

  message(channel: string, bytes: Uint8Array): void {
    this.#wanted.get(channel)?.(bytes);
  }

  earDown(ear: Ear): void {
    if (this.#ear !== ear) return;
    this.#ear = null;
    if (this.#subscribed.size > 0) this.#broken = true;
    this.#subscribed.clear();
    this.#superfluous.clear();
    this.#missing = new Set(this.#wanted.keys());
    this.#awaited = null;
    void this.#settle();
  }

  /** Cuts the connection where the last probe didn't come back, and sends another. */
  probe(): void {
    if (this.#settling || this.#ear === null || this.#closed) return;
    if (this.#awaited === null) void this.#sendProbe();
    else this.#ear.cut();
  }

  /** Leaves its channels. Messages don't arrive any more. */
  close(): void {
    this.#closed = true;
    if (this.#pause !== null) clearTimeout(this.#pause);
    const ear = this.#ear;
    for (const channel of this.#subscribed) ear?.unsubscribe(channel).catch(() => {});
    this.#wanted.clear();
    this.#waiters = [];
  }

  async #sendProbe(): Promise<void> {
    const { servers, probeChannel } = this.#options;
    const ear = this.#ear;
    const probe = String(++this.#probes);
    this.#awaited = probe;
    try {
      await servers.call(probeChannel, ["SPUBLISH", probeChannel, probe]);
    } catch {
      // It didn't go out, so it says nothing of whether it would have come back.
      if (this.#ear === ear && this.#awaited === probe) this.#awaited = null;
    }
  }

  #probed(bytes: Uint8Array): void {
    if (Buffer.from(bytes).toString() === this.#awaited) this.#awaited = null;
  }

  /** Subscribes to what is wanted and isn't subscribed to, and the other way round; tries until that is so. */
  async #settle(): Promise<void> {
    if (this.#settling || this.#pause !== null || this.#closed) return;
    this.#settling = true;
    try {
      while (!this.#closed && (await this.#step())) {}
      this.#pauseMs = PAUSE_MS.first;
    } catch {
      this.#tryLater();
    } finally {
      this.#settling = false;
    }
    if (this.#pause !== null || this.#closed || !this.#broken) return;
    this.#broken = false;
    this.#options.mended();
  }

  /** Changes some channels; false where there is none to change. */
  async #step(): Promise<boolean> {
    this.#ear ??= this.#options.ear();
    const ear = this.#ear;
    const missing = firstOf(this.#missing);
    await Promise.all(missing.map((channel) => ear.subscribe(channel)));
    this.#mustStillHave(ear);
    for (const channel of missing) {
      this.#missing.delete(channel);
      this.#subscribed.add(channel);
      if (!this.#wanted.has(channel)) this.#superfluous.add(channel);
      this.#tellWaiters(channel);
    }
    const superfluous = firstOf(this.#superfluous);
    await Promise.all(superfluous.map((channel) => ear.unsubscribe(channel)));
    this.#mustStillHave(ear);
    for (const channel of superfluous) {
      this.#superfluous.delete(channel);
      this.#subscribed.delete(channel);
      if (this.#wanted.has(channel)) this.#missing.add(channel);
    }
    return this.#missing.size + this.#superfluous.size > 0;
  }

  #mustStillHave(ear: Ear): void {
    if (this.#ear !== ear) throw new ChatError("store_unavailable", "The connection ended.");
  }

  #tellWaiters(channel: string): void {
    for (const waiter of this.#waiters) if (waiter.channel === channel) waiter.done();
    this.#waiters = this.#waiters.filter((waiter) => waiter.channel !== channel);
  }

  #tryLater(): void {
    if (this.#closed) return;
    this.#pause = setTimeout(() => {
      this.#pause = null;
      void this.#settle();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS.most);
  }
}

function firstOf(channels: ReadonlySet<string>): string[] {
  const found: string[] = [];
  for (const channel of channels) {
    if (found.length === CHANNELS_AT_ONCE) break;
    found.push(channel);
  }
  return found;
}
