import type { UserId, Uuid } from "../../model/ids.js";
import type { Role } from "../../model/message.js";
import type { ClientFrames } from "../../protocol/frames.js";
import type { StoredEntry } from "../message.js";

/** What the device is, and how far it has got. */
export interface Meta {
  /** How many steps there were: tells whether one that failed has landed all the same. */
  readonly step: number;
  readonly device: Uuid;
  /** Whose store it is; absent until a server has told. A store serves one user for ever. */
  readonly user?: UserId;
  /** The device has everything of its mailbox up to here; absent on a device that never was in sync. */
  readonly position?: number;
  /** The number that the next command of the outbox gets. */
  readonly order: number;
  /**
   * Whether the conversations have to be asked for before the device is in sync: because it is new, or because the
   * server could not go on at its position.
   */
  readonly rebuild: "no" | "new" | "gap";
}

type CommandType = "send" | Extract<Exclude<keyof ClientFrames, "group.members">, `group.${string}`>;
type WithoutRef<F> = F extends unknown ? Omit<F, "ref"> : never;

/** A frame that changes a conversation, without the number that a connection gives it. */
export type CommandFrame = WithoutRef<ClientFrames[CommandType]>;

/** A command that the server has not answered for good. */
export interface OutboxRow {
  /** Consecutive in the order of sending. */
  readonly order: number;
  readonly id: Uuid;
  readonly conversation: Uuid;
  /** Milliseconds since 1970 by this device's clock. */
  readonly created_at: number;
  /** What is sent, and sent again, unchanged. */
  readonly frame: CommandFrame;
  /** The content as the application gave it, where the frame's is sealed. */
  readonly plain?: Uint8Array;
}

export interface StoredMember {
  readonly role: Role;
  /** The first `seq` that the member may see. */
  readonly joined: number;
}

/** How far a user has got; as in the model, in a form that every store can keep. */
export interface Mark {
  readonly delivered: number;
  readonly read: number;
}

/** What the device knows of a conversation. Replaced whole, never changed in place. */
export interface ConversationRow {
  readonly conversation: Uuid;
  readonly kind: "direct" | "group";
  /** A group's name, where it is known. */
  readonly name: string;
  /** The other user of a direct conversation. */
  readonly user?: UserId;
  /** The last `seq` that is known of. */
  readonly head: number;
  /** The last entry's time. */
  readonly timestamp: number;
  /** Every entry up to this `seq` that there is for this user was handed to the application. */
  readonly seen: number;
  /** Entries past `seen` that are stored but wait for their turn, by seq, ascending. */
  readonly early: readonly number[];
  /** Every entry up to this `seq` that the mailbox has for this device has come. */
  readonly came: number;
  /** This user has read up to this `seq`. */
  readonly read: number;
  /** The watermarks of this user that the server is known to have. */
  readonly kept: Mark;
  /** Messages of others past `read` that are not silent. */
  readonly unread: number;
  /** The last `seq` that this user sent. */
  readonly own: number;
  /** Own messages up to these were delivered and read. Only grow. */
  readonly reached: Mark;
  /** A group's members; absent where they have to be asked for. */
  readonly members?: ReadonlyMap<UserId, StoredMember>;
  /** The `seq` of the last change that `members` and `name` show. */
  readonly version: number;
  /** This user is no member any more. */
  readonly left: boolean;
  /** The watermarks of the other members. */
  readonly marks: ReadonlyMap<UserId, Mark>;
}

/** What becomes of the store in one transaction: all of it, or nothing. `forgotten` comes before `entries`. */
export interface StoreStep {
  readonly meta: Meta;
  /** Rows that are new. Their orders are above all before them. */
  readonly queued: readonly OutboxRow[];
  /** Orders of rows that are answered for good. */
  readonly answered: readonly number[];
  readonly conversations: readonly ConversationRow[];
  /** Conversations whose entries are all dropped. */
  readonly forgotten: readonly Uuid[];
  /** Replaces what was at the same conversation and `seq`. */
  readonly entries: readonly StoredEntry[];
  /** Values under names, for layers above; undefined removes. */
  readonly records: ReadonlyMap<string, unknown>;
}

/** What a client holds in memory. History stays in the store. */
export interface StoreContents {
  readonly meta?: Meta;
  /** Ascending by `order`. */
  readonly outbox: readonly OutboxRow[];
  readonly conversations: readonly ConversationRow[];
}

/** Which entries of a conversation: `after` < seq < `before`, the first ones, or, where `last`, the last ones. */
export interface EntryRange {
  readonly conversation: Uuid;
  readonly after: number;
  readonly before: number;
  readonly limit: number;
  readonly last: boolean;
}

/**
 * Where a device keeps what it must not lose. Values are plain data (numbers, text, bytes, maps, lists).
 *
 * - *Atomicity*: a step lands whole or not at all, also where the process dies in the middle.
 * - *Durability*: what a resolved `write` wrote survives, where the store is durable at all.
 * - *Order*: one `write` at a time; reads see all writes that resolved before them.
 * - *One at a time*: a store that is open elsewhere is refused with `in_use`, a damaged or foreign one with `corrupt`.
 * - *Failure*: a write that couldn't be done rejects with `store_unavailable`, within a deadline. It may have landed.
 */
export interface ClientStore {
  open(): Promise<StoreContents>;
  write(step: StoreStep): Promise<void>;
  /** Always ascending by `seq`. */
  entries(range: EntryRange): Promise<StoredEntry[]>;
  /** The value under a name; undefined where there is none. */
  record(name: string): Promise<unknown>;
  /** Lets go of the store. May be called twice. It can be opened again. */
  close(): Promise<void>;
}
