import { randomUUID } from "node:crypto";
import { ChatError, type Consumer, type Consumption, type Offset } from "sentseen/ports";
import type { Servers } from "../link/servers.js";
import { Holding } from "./holding.js";
import { type HeldLease, Leases, type Record } from "./leases.js";
import type { PartitionLog } from "./partition-log.js";
import type { QueueKeys } from "./queue-keys.js";
import { spread } from "./spread.js";
import type { Wakes } from "./wakes.js";
import { Watch } from "./watch.js";

/** Rounds within a lease. */
const ROUNDS = 4;

/** What of a lease its owner counts on: the rest is for clocks that don't run equally fast. */
const SURELY = 0.9;

/** Members that were silent for so many leases are dropped. */
const GONE_AFTER = 3;

export interface MemberOptions {
  readonly servers: Servers;
  readonly keys: QueueKeys;
  readonly wakes: Wakes;
  readonly group: string;
  readonly consumer: Consumer;
  /** The log of each partition. */
  readonly logs: readonly PartitionLog[];
  readonly leaseMs: number;
  left(member: Member): void;
}

/**
 * One consumer of a group. It has leases on partitions, prolongs them in rounds, takes what nobody has and lets go what
 * is others' share.
 *
 * A lease is recorded in Redis and measured by those who look: its owner counts it from before it asked, and whoever
 * wants it has seen it unchanged, or nothing in its place, for one whole lease since it could first see it. [R2 c]
 */
export class Member implements Consumption {
  readonly #options: MemberOptions;
  readonly #name = randomUUID();
  readonly #leases: Leases;
  readonly #watch = new Watch();
  /** What it holds, and what it holds no more while the consumer may still be at it. */
  readonly #holdings = new Map<number, Holding>();
  readonly #deaf: (() => void)[] = [];
  #record: Record = { born: "", members: new Map(), leases: new Map() };
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> | null = null;
  #again = false;
  #stopping: Promise<void> | null = null;

  constructor(options: MemberOptions) {
    const { servers, keys, group, wakes } = options;
    this.#options = options;
    this.#leases = new Leases(servers, keys, group, this.#name);
    this.#deaf.push(
      wakes.on(keys.groupWake(group), () => this.#soon()),
      servers.onDown(() => this.#watch.forget()),
    );
  }

  /** Joins the group. Rejects with `store_unavailable` where Redis can't be reached. */
  async join(): Promise<void> {
    const { logs, group } = this.#options;
    // From now on nothing is trimmed that this group hasn't seen.
    await Promise.all(logs.map((log) => log.open(group)));
    await this.#share();
    this.#soon();
  }

  async commit(partition: number, offset: Offset): Promise<void> {
    const log = this.#options.logs[partition];
    if (log === undefined)
      throw new ChatError("invalid", `There is no partition ${partition}.`, { field: "partition" });
    await log.commit(this.#options.group, offset);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const deaf of this.#deaf) deaf();
    // A round that is under way may still have taken something.
    await Promise.all([...this.#holdings.values()].map((holding) => holding.end()));
    await this.#round;
    const holdings = [...this.#holdings.values()];
    await Promise.all(holdings.map((holding) => holding.end()));
    await Promise.all(holdings.map((holding) => holding.over));
    try {
      await this.#leases.release(holdings, true);
    } catch {
      // Its leases run out by themselves.
    }
    this.#options.left(this);
  }

  /** A round as soon as can be. */
  #soon(): void {
    if (this.#stopping !== null) return;
    if (this.#round !== null) this.#again = true;
    else this.#round = this.#runRound();
  }

  async #runRound(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#again = false;
    try {
      await this.#share();
      await this.#settle();
    } catch {
      this.#watch.forget();
    }
    this.#round = null;
    if (this.#stopping !== null) return;
    if (this.#again) this.#soon();
    else this.#timer = setTimeout(() => this.#soon(), this.#options.leaseMs / ROUNDS);
  }

  /** Prolongs what is held, and looks what others have. */
  async #share(): Promise<void> {
    const { leaseMs } = this.#options;
    const asked = performance.now();
    const holdings = [...this.#holdings.values()];
    this.#record = await this.#leases.share(holdings, this.#gone(asked));
    for (const holding of holdings) {
      const lease = this.#record.leases.get(holding.partition);
      if (!this.#leases.isMine(lease, holding.generation)) void holding.end();
      else if (!holding.ended) holding.prolong(asked + leaseMs * SURELY);
    }
    const { born, members, leases } = this.#record;
    const values = new Map<string, string>();
    for (const [member, beat] of members) values.set(`m:${member}`, beat);
    // No lease is another one after a wipe: there may have been one in between.
    for (const partition of this.#options.logs.keys()) {
      values.set(`p:${partition}`, leases.get(partition) ?? `none since ${born}`);
    }
    this.#watch.update(values, performance.now());
  }

  /** Lets go what is too much and takes what is missing. */
  async #settle(): Promise<void> {
    if (this.#stopping !== null) return;
    const { logs } = this.#options;
    const now = performance.now();
    const mine = [...this.#holdings.values()].filter(({ valid }) => valid).map(({ partition }) => partition);
    const free = [...logs.keys()].filter((partition) => this.#isFree(partition, now));
    const members = this.#alive(now);
    const plan = spread({ partitions: logs.length, members, me: this.#name, mine, free });
    for (const partition of plan.release) void this.#holdings.get(partition)?.end();
    if (plan.take.length > 0) await this.#take(plan.take);
  }

  async #take(partitions: readonly number[]): Promise<void> {
    const { leaseMs } = this.#options;
    const asked = performance.now();
    const wanted = partitions.map((partition) => [partition, this.#record.leases.get(partition) ?? ""] as const);
    for (const lease of await this.#leases.take(wanted)) this.#hold(lease, asked + leaseMs * SURELY);
  }

  #hold({ partition, generation }: HeldLease, until: number): void {
    const { keys, wakes, logs, group, consumer } = this.#options;
    const holding: Holding = new Holding({
      partition,
      generation,
      log: logs[partition] as PartitionLog,
      group,
      consumer,
      until,
    });
    this.#holdings.set(partition, holding);
    const deaf = wakes.on(keys.wake(partition), () => holding.wake());
    void holding.over.then(() => {
      deaf();
      void this.#letGo(holding);
    });
  }

  /** The consumer is done with it: others may have it at once. */
  async #letGo(holding: Holding): Promise<void> {
    if (this.#stopping !== null) return;
    this.#holdings.delete(holding.partition);
    try {
      await this.#leases.release([holding], false);
    } catch {
      // The lease runs out by itself.
    }
    this.#soon();
  }

  #isFree(partition: number, now: number): boolean {
    const unchanged = this.#watch.unchangedFor(`p:${partition}`, now);
    if (this.#holdings.has(partition)) return false;
    const lease = this.#record.leases.get(partition);
    return unchanged >= this.#options.leaseMs || (lease !== undefined && this.#leases.isOpen(lease));
  }

  /** The members that have beaten within a lease, as far as this one could see, in order. */
  #alive(now: number): string[] {
    const { leaseMs } = this.#options;
    const others = [...this.#record.members.keys()].filter(
      (member) => member !== this.#name && this.#watch.unchangedFor(`m:${member}`, now) < leaseMs,
    );
    return [...others, this.#name].sort();
  }

  #gone(now: number): [member: string, beat: string][] {
    const after = this.#options.leaseMs * GONE_AFTER;
    return [...this.#record.members].filter(
      ([member]) => member !== this.#name && this.#watch.unchangedFor(`m:${member}`, now) > after,
    );
  }
}
