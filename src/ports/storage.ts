import type { UserId, Uuid } from "../model/ids.js";
import type { Receipt } from "../model/receipt.js";
import type { Offset } from "./queue.js";
import type { Adapter } from "./scope.js";

/** A stored value and the offset of the record that made it. */
export interface Versioned {
  readonly value: Uint8Array;
  readonly offset: Offset;
}

export interface MailboxRow {
  /** The place in the mailbox: the offset of the record that made the row. [R3] */
  readonly position: Offset;
  readonly value: Uint8Array;
}

export interface HistoryRow {
  readonly seq: number;
  readonly value: Uint8Array;
}

export interface DeviceRow {
  readonly user: UserId;
  readonly device: Uuid;
  /** The device has everything of its user's mailbox up to here. */
  readonly position: Offset;
  /** Milliseconds since 1970. */
  readonly seen_at: number;
  /** What the device calls itself; opaque to storage. */
  readonly value: Uint8Array;
}

/** Which state of a device: what one partition remembers of its commands. [R2 b] */
export interface DeviceStateKey {
  readonly partition: number;
  readonly user: UserId;
  readonly device: Uuid;
}

/** A change to storage. Every one may be repeated, and may land late, without changing the outcome. [R2] */
export type Write =
  /** A row of a conversation's history. `offset` is the record's. */
  | {
      readonly kind: "history";
      readonly conversation: Uuid;
      readonly seq: number;
      readonly value: Uint8Array;
      readonly offset: Offset;
      /** Milliseconds since 1970 after which the row goes by itself; null for never. */
      readonly expires_at: number | null;
    }
  /** Rows of one mailbox, which become visible together. [R3 b] None comes back once trimmed. */
  | {
      readonly kind: "mailbox";
      readonly user: UserId;
      readonly rows: readonly MailboxRow[];
      readonly expires_at: number | null;
    }
  /** Everything of a mailbox up to `position` is forgotten, rows that land later too. */
  | { readonly kind: "trim"; readonly user: UserId; readonly position: Offset }
  /** What a partition remembers of a device's commands. The greatest offset wins. */
  | ({ readonly kind: "device_state" } & DeviceStateKey & Versioned)
  /**
   * A conversation's state with the members that it decides by: one atomic write. `joined` and `left` keep the index
   * by user, which `conversationsOf` answers from. The greatest offset wins, for each row by itself.
   */
  | ({
      readonly kind: "conversation";
      readonly conversation: Uuid;
      readonly joined: readonly UserId[];
      readonly left: readonly UserId[];
    } & Versioned)
  /**
   * Rows of the partition are written up to here, and what its owner needs beside them to go on. The greatest offset
   * wins. Issued after all that it covers.
   */
  | ({ readonly kind: "checkpoint"; readonly topic: string; readonly partition: number } & Versioned)
  /** Watermarks of a user in a conversation; each keeps its greatest value. */
  | ({ readonly kind: "receipt" } & Receipt)
  /** A device of a user. `position` keeps its greatest value; the rest is taken from the later `seen_at`. */
  | ({ readonly kind: "device"; readonly expires_at: number | null } & DeviceRow)
  /** A device that is no more, with all of its states. */
  | { readonly kind: "device_removed"; readonly user: UserId; readonly device: Uuid };

/**
 * Everything that is kept. Values are opaque bytes to an adapter.
 *
 * - *Atomicity*: each `Write` lands whole or not at all. Where `atomic` is true so does the whole array.
 * - *Order*: writes of one call may land in any order; a caller that needs an order issues calls one after another.
 * - *Durability*: what a resolved call wrote survives a crash of everything, where the adapter is durable at all.
 * - *Idempotence*: a repeated or late write changes nothing.
 * - *Failure*: a rejected call may have landed in part. It rejects with `store_unavailable`, within a deadline.
 * - *Reading* sees all writes that resolved before it was called.
 * - *Cost*: one call is one round trip or one transaction, where the engine allows; a read never walks over what was
 *   deleted before its starting point.
 */
export interface Storage extends Adapter {
  readonly atomic: boolean;
  write(writes: readonly Write[]): Promise<void>;

  checkpoint(topic: string, partition: number): Promise<Versioned | null>;
  /** Answers in the order of the ids; null for what isn't there. */
  conversations(ids: readonly Uuid[]): Promise<(Versioned | null)[]>;
  deviceStates(keys: readonly DeviceStateKey[]): Promise<(Versioned | null)[]>;

  /** Rows with `after` < position ≤ `upTo`, in order, at most `limit`. */
  mailbox(user: UserId, after: Offset, upTo: Offset, limit: number): Promise<MailboxRow[]>;
  /** Rows with `after` < seq < `before`; the first ones, or, where `last`, the last ones, always in ascending order. */
  history(conversation: Uuid, after: number, before: number, limit: number, last: boolean): Promise<HistoryRow[]>;

  /** Ids of the conversations that the user is a member of, greater than `after`, ascending, at most `limit`. */
  conversationsOf(user: UserId, after: Uuid | null, limit: number): Promise<Uuid[]>;
  /** The watermarks of all users that ever had some in each conversation, in the order asked. */
  receipts(conversations: readonly Uuid[]): Promise<Receipt[][]>;
  devices(user: UserId): Promise<DeviceRow[]>;

  /**
   * Drops what has expired by `now` (milliseconds since 1970), looking at no more than about `limit` rows. Answers
   * whether it came to an end; where not, the next call goes on from there. An engine that expires rows by itself
   * answers true at once.
   */
  sweep(now: number, limit: number): Promise<boolean>;
}
