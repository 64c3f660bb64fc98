import slotOf from "cluster-key-slot";
import { ChatError } from "sentseen/ports";
import type { Address, Argument, Dial } from "../client/connection.js";
import { messageOf, unavailable } from "./failure.js";
import { Line } from "./line.js";
import { nameOf, SlotMap } from "./slot-map.js";

/** The oldest server that has sharded channels. */
const MIN_VERSION = 7;

/** Between two looks at which server has which slot. */
const REFRESH_MS = 200;

/** How often a command follows a slot that has moved. */
const MAX_HOPS = 5;

export interface ServersOptions {
  readonly dial: Dial;
  readonly deadlineMs: number;
  /** Where a cluster's server is reached that gives its address so. */
  readonly addressFor: (announced: Address) => Address;
}

/**
 * One Redis, or the masters of a Redis Cluster. Which of them it is comes out when it is opened. Sends each command to
 * the master that has its key, once; a command that was sent to the wrong one was refused there and is sent again.
 */
export class Servers {
  readonly #options: ServersOptions;
  readonly #lines = new Map<string, Line>();
  readonly #listeners = new Set<() => void>();
  readonly #seed: Line;
  #map: SlotMap | null = null;
  #refreshing: Promise<void> | null = null;
  #refreshed = Number.NEGATIVE_INFINITY;
  #open = false;

  constructor(options: ServersOptions) {
    this.#options = options;
    this.#seed = this.#newLine(null);
  }

  get dial(): Dial {
    return this.#options.dial;
  }

  get deadlineMs(): number {
    return this.#options.deadlineMs;
  }

  /** Whether this is a Redis Cluster. Known when it is open. */
  get clustered(): boolean {
    return this.#map !== null;
  }

  /** Connects. Rejects with `store_unavailable` where that fails and with `config` where the server is too old. */
  async open(): Promise<void> {
    if (this.#open) return;
    const info = String(await this.#onSeed(["INFO", "server"]));
    const version = /redis_version:(\d+)/.exec(info)?.[1];
    if (version !== undefined && Number(version) < MIN_VERSION) {
      throw new ChatError("config", `Redis ${version} is too old: ${MIN_VERSION} or later is needed.`, {
        field: "client",
        limit: MIN_VERSION,
      });
    }
    this.#map = /redis_mode:cluster/.test(info) ? SlotMap.from(await this.#onSeed(["CLUSTER", "SLOTS"])) : null;
    this.#open = true;
  }

  close(): void {
    this.#open = false;
    this.#seed.close();
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
    this.#listeners.clear();
  }

  /** Calls `listener` whenever a connection that worked is gone. Answers how to take that back. */
  onDown(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Where the key is; null where there is but one server. */
  addressOf(key: string): Address | null {
    const announced = this.#map?.addressOf(slotOf(key));
    return announced === undefined ? null : this.#options.addressFor(announced);
  }

  /** Looks again which server has which slot, at most every 200 ms. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /**
   * Runs a command where its key is. Rejects with the server's own error where the command was wrong or the script
   * isn't known, and else with `store_unavailable`.
   */
  async call(key: string, args: readonly Argument[]): Promise<unknown> {
    if (!this.#open) throw new ChatError("closed", "The adapter is not open.");
    let line = this.#lineFor(this.addressOf(key));
    let asking = false;
    for (let hop = 0; ; hop++) {
      try {
        return await (asking ? line.callAsking(args) : line.call(args));
      } catch (error) {
        const elsewhere = hop < MAX_HOPS ? redirection(error) : null;
        if (elsewhere === null) throw this.#failed(line, error);
        asking = elsewhere.asking;
        if (!asking) this.#map?.moved(slotOf(key), elsewhere.address);
        if (!asking) void this.refresh();
        line = this.#lineFor(this.#options.addressFor(elsewhere.address));
      }
    }
  }

  #failed(line: Line, error: unknown): unknown {
    const text = messageOf(error);
    if (text.startsWith("NOSCRIPT")) return error;
    // The server was made a replica, or it may be gone: whoever took its place is found by looking and dialling again.
    if (text.startsWith("READONLY")) line.cut();
    if (this.#map !== null) void this.refresh();
    return unavailable("Redis failed", error);
  }

  async #onSeed(args: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#seed.call(args);
    } catch (error) {
      throw unavailable("Redis failed", error);
    }
  }

  #lineFor(address: Address | null): Line {
    if (address === null) return this.#seed;
    const name = nameOf(address);
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = this.#newLine(address);
      this.#lines.set(name, line);
    }
    return line;
  }

  #newLine(address: Address | null): Line {
    const { dial, deadlineMs } = this.#options;
    const onDown = () => {
      for (const listener of this.#listeners) listener();
    };
    return new Line({ dial, address, deadlineMs, onDown });
  }

  async #refresh(): Promise<void> {
    const pause = this.#refreshed + REFRESH_MS - performance.now();
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    this.#refreshed = performance.now();
    const known = this.#map?.addresses() ?? [];
    for (const address of [null, ...known.map(this.#options.addressFor)]) {
      if (!this.#open) return;
      try {
        this.#map = SlotMap.from(await this.#lineFor(address).call(["CLUSTER", "SLOTS"]));
        this.#forgetLines();
        return;
      } catch {
        // Another may know.
      }
    }
  }

  /** Ends the lines to servers that have no slot any more. */
  #forgetLines(): void {
    const used = new Set(this.#map?.addresses().map((address) => nameOf(this.#options.addressFor(address))));
    for (const [name, line] of this.#lines) {
      if (used.has(name)) continue;
      line.close();
      this.#lines.delete(name);
    }
  }
}

/** Where a command belongs that came to the wrong server; null for any other error. */
function redirection(error: unknown): { address: Address; asking: boolean } | null {
  const found = /^(MOVED|ASK) \d+ (.+):(\d+)$/.exec(messageOf(error).trim());
  if (found === null) return null;
  const [, kind, host = "", port] = found;
  return { asking: kind === "ASK", address: { host, port: Number(port) } };
}
