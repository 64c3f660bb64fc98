import { ChatError, type ConnectionEntry, type NodeHandlers, type NodeSession } from "sentseen/ports";
import { registryScripts } from "../link/lua-files.js";
import type { Servers } from "../link/servers.js";
import { Subscriptions } from "../link/subscriptions.js";
import { type Connection, Entries, type NodeLife } from "./entries.js";
import { Heart } from "./heart.js";
import { Outgoing } from "./outgoing.js";
import { OwnEntries } from "./own-entries.js";
import { unwrap } from "./parcels.js";
import type { RegistryKeys } from "./registry-keys.js";
import { Removals } from "./removals.js";

/** Beats within the time after which a node vanishes. */
const BEATS = 5;

/** Between two beats where Redis can't be reached. */
const RETRY_MS = 500;

/** Entries are refreshed so often while nothing is wrong; Redis keeps them three times as long. */
const REFRESH_MS = 5 * 60_000;

/** Entries that are refreshed with one beat at most. */
const REFRESH_AT_ONCE = 5_000;

export interface NodeOptions {
  readonly servers: Servers;
  readonly keys: RegistryKeys;
  readonly vanishMs: number;
  readonly probeMs: number;
  left(node: RedisNode): void;
}

/** One node's place in the registry: beats, keeps its entries there, and carries bytes. */
export class RedisNode implements NodeSession {
  readonly #options: NodeOptions;
  readonly #handlers: NodeHandlers;
  readonly #node: NodeLife;
  readonly #entries: Entries;
  readonly #own = new OwnEntries();
  readonly #removals = new Removals();
  readonly #heart: Heart;
  readonly #subscriptions: Subscriptions;
  readonly #sends: Outgoing<boolean>;
  readonly #publishes: Outgoing<void>;
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | null = null;
  #beating: Promise<void> | null = null;
  #again: Promise<void> | null = null;
  /** Entries may be missing in Redis, and bytes may have been lost. */
  #doubtful = false;
  #leaving: Promise<void> | null = null;

  /** Begins a life of the node. Rejects with `store_unavailable` where Redis can't be reached. */
  static async join(server_id: string, handlers: NodeHandlers, options: NodeOptions): Promise<RedisNode> {
    const { servers, keys } = options;
    const life = await registryScripts.join.run(servers, [keys.nodes(keys.bucketOf(server_id))], [server_id]);
    const node = new RedisNode({ server_id, life: String(life) }, handlers, options);
    try {
      await node.#start();
      return node;
    } catch (error) {
      await node.leave();
      throw error;
    }
  }

  private constructor(node: NodeLife, handlers: NodeHandlers, options: NodeOptions) {
    const { servers, keys, vanishMs, probeMs } = options;
    this.#options = options;
    this.#handlers = handlers;
    this.#node = node;
    this.#entries = new Entries(servers, keys, vanishMs);
    this.#heart = new Heart({ servers, keys, node, vanishMs });
    this.#subscriptions = new Subscriptions({ servers, probeMs, lost: () => this.#tellLost() });
    this.#sends = new Outgoing((to, message) => this.#send(to, message));
    this.#publishes = new Outgoing(async (channel, message) => {
      await servers.call(channel, ["SPUBLISH", channel, message]);
    });
    this.#stopListening = servers.onDown(() => {
      this.#doubtful = true;
      this.#schedule(0);
    });
  }

  async register(connection: Connection): Promise<{ entry: ConnectionEntry; replaced: ConnectionEntry | null }> {
    this.#mustBeJoined();
    try {
      const { entry, replaced, known } = await this.#entries.register(this.#node, connection);
      this.#mustBeJoined();
      this.#own.add(entry, performance.now());
      if (!known) await this.#beatNow();
      return { entry, replaced };
    } catch (error) {
      // It may have been entered all the same, for a connection that there won't be.
      this.#removals.add(() => this.#entries.withdraw(this.#node, connection));
      throw error;
    }
  }

  async unregister(entry: ConnectionEntry): Promise<void> {
    this.#own.delete(entry);
    // With the node all of its entries have gone.
    if (this.#leaving !== null) return;
    try {
      await this.#entries.unregister(entry);
    } catch (error) {
      this.#removals.add(() => this.#entries.unregister(entry));
      throw error;
    }
  }

  async send(server_id: string, bytes: Uint8Array): Promise<boolean> {
    this.#mustBeJoined();
    return this.#sends.put(server_id, bytes);
  }

  async watch(topic: string): Promise<void> {
    this.#mustBeJoined();
    const channel = this.#options.keys.topicChannel(topic);
    this.#subscriptions.want(channel, (message) =>
      this.#handle(message, (bytes) => this.#handlers.topic(topic, bytes)),
    );
    try {
      await this.#subscriptions.subscribed(channel);
    } catch (error) {
      this.#subscriptions.unwant(channel);
      throw error;
    }
  }

  async unwatch(topic: string): Promise<void> {
    this.#subscriptions.unwant(this.#options.keys.topicChannel(topic));
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    this.#mustBeJoined();
    await this.#publishes.put(this.#options.keys.topicChannel(topic), bytes);
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #start(): Promise<void> {
    const channel = this.#options.keys.nodeChannels(this.#node.server_id) + this.#node.life;
    this.#subscriptions.want(channel, (message) => this.#handle(message, (bytes) => this.#handlers.message(bytes)));
    await this.#subscriptions.subscribed(channel);
    // In most buckets it is the first beat of this life: there is nothing yet that could have been forgotten.
    await this.#heart.beat();
    this.#schedule(this.#beatMs);
  }

  async #leave(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#stopListening();
    this.#subscriptions.close();
    this.#own.clear();
    await this.#heart.stop();
    this.#options.left(this);
  }

  get #beatMs(): number {
    return this.#options.vanishMs / BEATS;
  }

  #schedule(ms: number): void {
    if (this.#leaving !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#beatNow(), ms);
  }

  /** A beat that begins now, or after the one that is under way. Never rejects. */
  #beatNow(): Promise<void> {
    if (this.#beating === null) {
      this.#beating = this.#beat().finally(() => {
        this.#beating = null;
      });
      return this.#beating;
    }
    this.#again ??= this.#beating.then(() => {
      this.#again = null;
      return this.#beatNow();
    });
    return this.#again;
  }

  async #beat(): Promise<void> {
    if (this.#leaving !== null) return;
    const began = performance.now();
    const { whole, forgotten, superseded } = await this.#heart.beat();
    if (superseded) {
      void this.leave();
      this.#tellLost();
      return;
    }
    if (forgotten) this.#doubtful = true;
    if (whole) await this.#keepEntries();
    const period = whole ? this.#beatMs : Math.min(this.#beatMs, RETRY_MS);
    this.#schedule(Math.max(0, began + period - performance.now()));
  }

  /** Everything that may be missing in Redis is entered again, else what hasn't been refreshed for long. */
  async #keepEntries(): Promise<void> {
    const now = performance.now();
    const doubtful = this.#doubtful;
    this.#doubtful = false;
    try {
      const due = doubtful ? this.#own.all() : this.#own.dueAt(now - REFRESH_MS, REFRESH_AT_ONCE);
      for (let at = 0; at < due.length; at += REFRESH_AT_ONCE) {
        const some = due.slice(at, at + REFRESH_AT_ONCE);
        await this.#entries.refresh(this.#node, some);
        this.#own.refreshed(some, now);
      }
      await this.#remove(due);
    } catch {
      this.#doubtful ||= doubtful;
      return;
    }
    if (doubtful) this.#tellLost();
  }

  /** Removes what was to be removed, and what was taken out while it was entered again. */
  async #remove(entered: readonly ConnectionEntry[]): Promise<void> {
    await this.#removals.make();
    const gone = entered.filter((entry) => !this.#own.has(entry));
    await Promise.all(gone.map((entry) => this.#entries.unregister(entry)));
  }

  async #send(to: string, message: Buffer): Promise<boolean> {
    const { servers, keys, vanishMs } = this.#options;
    const scripted = [keys.nodes(keys.bucketOf(to)), keys.nodeChannels(to)];
    return (await registryScripts.send.run(servers, scripted, [to, vanishMs * 1_000, message])) === 1;
  }

  #handle(message: Uint8Array, take: (bytes: Uint8Array) => void): void {
    if (this.#leaving !== null) return;
    let failed = false;
    for (const bytes of unwrap(message)) {
      try {
        take(bytes);
      } catch {
        // What a node failed to take in is lost to it, and the rest must not suffer for that.
        failed = true;
      }
    }
    if (failed) this.#tellLost();
  }

  #tellLost(): void {
    try {
      this.#handlers.lost();
    } catch {
      // It is the node's own affair, and it will be told again.
    }
  }

  #mustBeJoined(): void {
    if (this.#leaving !== null) throw new ChatError("closed", `Node ${this.#node.server_id} has left the registry.`);
  }
}
