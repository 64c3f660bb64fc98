import type { Consumer, Offset } from "../../../src/ports/index.js";
import { getOrMake } from "./get-or-make.js";
import type { PartitionLog } from "./partition-log.js";
import { Slot } from "./slot.js";

/** Consumers that share the partitions of a topic among them. */
class Group {
  readonly committed: (Offset | null)[];
  readonly #slots: readonly Slot[];
  #members: Consumer[] = [];

  constructor(logs: readonly PartitionLog[], batch: number) {
    this.committed = logs.map(() => null);
    this.#slots = logs.map((log, partition) => new Slot(partition, log, batch));
  }

  async join(member: Consumer): Promise<void> {
    this.#members.push(member);
    await this.#share();
  }

  async leave(member: Consumer): Promise<void> {
    this.#members = this.#members.filter((other) => other !== member);
    await this.#share();
  }

  async disband(): Promise<void> {
    this.#members = [];
    await this.#share();
  }

  async #share(): Promise<void> {
    const members = this.#members;
    await Promise.all(this.#slots.map((slot, index) => slot.give(members[index % members.length] ?? null)));
  }
}

/** The partitions of one topic and the groups that read them. */
export class Topic {
  readonly logs: readonly PartitionLog[];
  readonly #batch: number;
  readonly #groups = new Map<string, Group>();

  constructor(logs: readonly PartitionLog[], batch: number) {
    this.logs = logs;
    this.#batch = batch;
  }

  /** The group of that name, which from now on holds back the trimming of what it hasn't committed. */
  group(name: string): Group {
    return getOrMake(this.#groups, name, () => new Group(this.logs, this.#batch));
  }

  commit(group: string, partition: number, offset: Offset): void {
    const { committed } = this.group(group);
    committed[partition] = Math.max(committed[partition] ?? offset, offset);
    let all = offset;
    for (const other of this.#groups.values())
      all = Math.min(all, other.committed[partition] ?? Number.NEGATIVE_INFINITY);
    this.logs[partition]?.trim(all);
  }

  async disband(): Promise<void> {
    await Promise.all([...this.#groups.values()].map((group) => group.disband()));
  }
}
