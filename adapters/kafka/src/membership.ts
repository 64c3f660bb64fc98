import { setTimeout as pause } from "node:timers/promises";
import { heartbeatV4, joinGroupV7, leaveGroupV4, offsetCommitV8, syncGroupV5 } from "@platformatic/kafka";
import type { ChatError } from "sentseen/ports";
import { assign } from "./assignor.js";
import type { Cluster } from "./cluster.js";
import type { Address, Connections } from "./connections.js";
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from "./consumer-protocol.js";
import { CODE, closed, codeOf, responseIn, unavailable } from "./failure.js";
import { committedOf, coordinatorOf } from "./group-offsets.js";
import type { Settings } from "./options.js";
import { Session } from "./session.js";

const PROTOCOL_TYPE = "consumer";
/** Members with another protocol are refused by the broker: they would share out partitions by other rules. */
const PROTOCOL = "sentseen-1";
const PAUSE_MS = 200;
const HEARTBEATS_IN_SESSION = 10;
const REBALANCE_IN_SESSIONS = 3;
const REQUEST_TIMEOUT_MS = 5_000;

export interface MembershipOptions {
  readonly cluster: Cluster;
  readonly settings: Settings;
  /** Names in Kafka. */
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  /** The partition is this member's from now on, for as long as `valid` says so. */
  granted(partition: number): void;
  /** The partition is another's, or will be: called before anybody could be told to take it. */
  lost(partition: number): void;
}

/**
 * A consumer's place in its group, after the classic protocol with incremental rebalancing: partitions that stay are
 * worked on while others move.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #session: Session;
  readonly #sessionMs: number;
  readonly #rebalanceMs: number;
  /** Questions that are answered at once. */
  readonly #quick: Connections;
  /** A join waits for the others to join. */
  readonly #joins: Connections;
  readonly #owned = new Set<number>();
  readonly #stop = new AbortController();
  #coordinator: Address | null = null;
  #member = "";
  #generation = -1;
  #joining = true;
  #wake: () => void = () => {};
  #late: NodeJS.Timeout | undefined;
  #failure: unknown = "no broker answers";
  #joined: () => void = () => {};
  #notJoined: (error: ChatError) => void = () => {};
  /** Resolves when the group was joined for the first time; rejects where that takes too long, or it was left before. */
  readonly joined = new Promise<void>((resolve, reject) => {
    this.#joined = resolve;
    this.#notJoined = reject;
  });
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: MembershipOptions) {
    this.#options = options;
    const { cluster, settings } = options;
    this.#sessionMs = settings.sessionTimeoutMs;
    this.#rebalanceMs = this.#sessionMs * REBALANCE_IN_SESSIONS;
    this.#session = new Session({ sessionMs: this.#sessionMs, rebalanceMs: this.#rebalanceMs });
    this.#quick = cluster.connections(Math.min(REQUEST_TIMEOUT_MS, this.#sessionMs));
    this.#joins = cluster.connections(this.#rebalanceMs + REQUEST_TIMEOUT_MS);
  }

  start(): void {
    // A rebalance that is going on may take its time before this member's own begins.
    const patience = this.#rebalanceMs * 2 + REQUEST_TIMEOUT_MS;
    this.#late = setTimeout(() => this.#notJoined(this.#unavailable()), patience);
    this.#loops = Promise.all([this.#stayIn(), this.#beat()]);
  }

  /** Whether what this member owns is surely its own now. */
  valid(): boolean {
    if (this.#session.valid()) return true;
    if (this.#owned.size > 0) {
      this.#loseAll();
      // The broker may still count on it: only by joining again does it get partitions.
      this.#wake();
    }
    return false;
  }

  /** Gives everything up and leaves, so that others need not wait for the session to run out. */
  async leave(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#late);
    this.#notJoined(closed());
    this.#loseAll();
    this.#wake();
    this.#joins.close();
    await this.#loops;
    try {
      if (this.#member !== "" && this.#coordinator !== null) {
        const leaving = [{ memberId: this.#member, groupInstanceId: null, reason: null }];
        await this.#quick.ask(this.#coordinator, leaveGroupV4.api, this.#options.group, leaving);
      }
    } catch {
      // The session runs out.
    }
    this.#quick.close();
  }

  /** Kafka's offset of the first record that the group still wants; null where it never said. */
  async committed(partition: number): Promise<bigint | null> {
    const { group, topic } = this.#options;
    const wanted = { group, topic, partitions: [partition] };
    const [committed] = await committedOf(this.#quick, await this.#find(), wanted);
    return committed ?? null;
  }

  /** Records before `offset`, Kafka's own, aren't wanted any more. Refused by the broker once another owns them. */
  async commit(partition: number, offset: bigint): Promise<void> {
    const { group, topic } = this.#options;
    const partitions = [{ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1 }];
    const topics = [{ name: topic, partitions }];
    const at = await this.#find();
    await this.#quick.ask(at, offsetCommitV8.api, group, this.#generation, this.#member, null, topics);
  }

  /** Joins, and joins again whenever the group changes, until it is left. */
  async #stayIn(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const mustMove = await this.#join();
        clearTimeout(this.#late);
        this.#joined();
        if (!mustMove) await this.#untilRebalance();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#hear(error);
        if (codeOf(error) === CODE.memberIdRequired) continue;
        this.#failure = error;
        this.#options.settings.onError(this.#unavailable());
        await pause(PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
  }

  #unavailable(): ChatError {
    return unavailable(`The group ${this.#options.group} can't be joined`, this.#failure);
  }

  #untilRebalance(): Promise<void> {
    this.#joining = false;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** One round of joining. Answers whether partitions were given up, which the others learn by another round. */
  async #join(): Promise<boolean> {
    this.#joining = true;
    const { group, topic } = this.#options;
    const subscription = { owned: [...this.#owned], generation: this.#generation };
    const protocols = [{ name: PROTOCOL, metadata: encodeSubscription(topic, subscription) }];
    const coordinator = await this.#find();
    const joined = await this.#joins.ask(
      coordinator,
      joinGroupV7.api,
      group,
      this.#sessionMs,
      this.#rebalanceMs,
      this.#member,
      null,
      PROTOCOL_TYPE,
      protocols,
    );
    this.#member = joined.memberId ?? "";
    this.#generation = joined.generationId;
    const assignments = joined.leader === this.#member ? this.#share(joined.members) : [];
    const askedAt = performance.now();
    const synced = await this.#joins.ask(
      coordinator,
      syncGroupV5.api,
      group,
      this.#generation,
      this.#member,
      null,
      PROTOCOL_TYPE,
      PROTOCOL,
      assignments,
    );
    if (this.#stop.signal.aborted) return false;
    // What ran out while the group was joining is given up before it is counted on again.
    this.valid();
    this.#session.renew(askedAt, true);
    return this.#take(decodeAssignment(synced.assignment));
  }

  #share(members: readonly joinGroupV7.JoinGroupResponseMember[]) {
    const { topic, partitions } = this.#options;
    const claimants = members.map(({ memberId, metadata }) => ({
      id: memberId,
      ...decodeSubscription(metadata ?? Buffer.alloc(0)),
    }));
    return [...assign(claimants, partitions)].map(([memberId, owned]) => ({
      memberId,
      assignment: encodeAssignment(topic, owned),
    }));
  }

  #take(assigned: readonly number[]): boolean {
    const moved = [...this.#owned].filter((partition) => !assigned.includes(partition));
    for (const partition of moved) this.#lose(partition);
    for (const partition of assigned) {
      if (this.#owned.has(partition)) continue;
      this.#owned.add(partition);
      this.#options.granted(partition);
    }
    return moved.length > 0;
  }

  #loseAll(): void {
    for (const partition of [...this.#owned]) this.#lose(partition);
  }

  #lose(partition: number): void {
    this.#owned.delete(partition);
    this.#options.lost(partition);
  }

  /** Says often enough that this member is there, while it waits for others to join too. */
  async #beat(): Promise<void> {
    const every = this.#sessionMs / HEARTBEATS_IN_SESSION;
    while (!this.#stop.signal.aborted) {
      await pause(every, undefined, { signal: this.#stop.signal }).catch(() => {});
      if (this.#stop.signal.aborted) return;
      this.valid();
      if (this.#member === "" || this.#generation < 0) continue;
      await this.#beatOnce();
    }
  }

  async #beatOnce(): Promise<void> {
    const askedAt = performance.now();
    try {
      const at = await this.#find();
      await this.#quick.ask(at, heartbeatV4.api, this.#options.group, this.#generation, this.#member, null);
      this.#session.renew(askedAt, true);
    } catch (error) {
      const code = codeOf(error);
      if (code === CODE.rebalanceInProgress) this.#session.renew(askedAt, false);
      // While it joins, a generation ends before this member has heard of the next.
      if (this.#joining && code === CODE.illegalGeneration) return;
      this.#hear(error);
      if (code !== null) this.#wake();
    }
  }

  /** What the broker's answer means for this member. */
  #hear(error: unknown): void {
    switch (codeOf(error)) {
      case CODE.memberIdRequired:
        this.#member = responseIn<joinGroupV7.JoinGroupResponse>(error)?.memberId ?? "";
        break;
      case CODE.unknownMemberId:
        this.#loseAll();
        this.#member = "";
        this.#generation = -1;
        break;
      case CODE.illegalGeneration:
        this.#loseAll();
        break;
      case CODE.rebalanceInProgress:
      case CODE.coordinatorLoading:
        break;
      default:
        this.#coordinator = null;
    }
  }

  async #find(): Promise<Address> {
    if (this.#coordinator !== null) return this.#coordinator;
    this.#coordinator = await coordinatorOf(this.#options.cluster, this.#options.group);
    return this.#coordinator;
  }
}
