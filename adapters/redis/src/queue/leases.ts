import { queueScripts } from "../link/lua-files.js";
import type { Servers } from "../link/servers.js";
import type { QueueKeys } from "./queue-keys.js";

/** A lease that somebody has, or let go. */
export interface HeldLease {
  readonly partition: number;
  readonly generation: string;
}

/** What a group has on record. */
export interface Record {
  /** When it began: another time after a wipe. */
  readonly born: string;
  /** Each member's last beat. */
  readonly members: ReadonlyMap<string, string>;
  /** The lease of each partition that has one, as it is stored. */
  readonly leases: ReadonlyMap<number, string>;
}

/** The scripts on a group's members and leases, for one member. */
export class Leases {
  readonly #servers: Servers;
  readonly #keys: readonly [string, string];
  readonly #member: string;
  #beat = 0;

  constructor(servers: Servers, keys: QueueKeys, group: string, member: string) {
    this.#servers = servers;
    this.#keys = [keys.group(group), keys.groupWake(group)];
    this.#member = member;
  }

  /** Beats, prolongs what is held and drops members that are gone, where they are as they were last seen. */
  async share(held: readonly HeldLease[], gone: readonly (readonly [member: string, beat: string])[]): Promise<Record> {
    const args = [this.#member, ++this.#beat, held.length, ...flat(held), ...gone.flat()];
    const answer = (await queueScripts.share.run(this.#servers, this.#keys, args)) as Buffer[];
    const members = new Map<string, string>();
    const leases = new Map<number, string>();
    let born = "";
    for (let i = 0; i + 1 < answer.length; i += 2) {
      const name = String(answer[i]);
      const value = String(answer[i + 1]);
      if (name === "born") born = value;
      else if (name.startsWith("m:")) members.set(name.slice(2), value);
      else leases.set(Number(name.slice(2)), value);
    }
    return { born, members, leases };
  }

  /** Takes partitions whose leases are still as they were seen. Answers those that it got. */
  async take(wanted: readonly (readonly [partition: number, lease: string])[]): Promise<HeldLease[]> {
    const args = [this.#member, this.#beat, ...wanted.flat()];
    const generations = (await queueScripts.take.run(this.#servers, this.#keys.slice(0, 1), args)) as Buffer[];
    return wanted.flatMap(([partition], index) => {
      const generation = String(generations[index]);
      return generation === "" ? [] : [{ partition, generation }];
    });
  }

  /** Lets partitions go; `leaving` says that the member is none any more. */
  async release(held: readonly HeldLease[], leaving: boolean): Promise<void> {
    await queueScripts.release.run(this.#servers, this.#keys, [this.#member, leaving ? 1 : 0, ...flat(held)]);
  }

  /** Whether a lease, as it is stored, is this member's of that generation. */
  isMine(lease: string | undefined, generation: string): boolean {
    return lease?.startsWith(`${generation}|${this.#member}|`) === true;
  }

  /** Whether nobody else can have the lease: it was let go, or it is this member's own. */
  isOpen(lease: string): boolean {
    const [, member] = lease.split("|");
    return member === "" || member === this.#member;
  }
}

function flat(held: readonly HeldLease[]): (string | number)[] {
  return held.flatMap(({ partition, generation }) => [partition, generation]);
}
