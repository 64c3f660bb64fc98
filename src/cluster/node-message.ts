import { Packr } from "msgpackr";
import { ChatError, type ErrorCode } from "../errors.js";
import type { Answer, Origin } from "../model/command.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Receipt } from "../model/receipt.js";
import type { ConnectionEntry } from "../ports/connection-registry.js";
import type { Offset } from "../ports/queue.js";
import type { DeviceInfo } from "../ports/stored.js";

/** A new entry for some users of a node. */
export interface Push {
  readonly position: Offset;
  /** The stored form of the entry. */
  readonly value: Uint8Array;
  /** Each with the position of the entry before it in its mailbox; null where the owner doesn't know. [R3 a] */
  readonly targets: readonly (readonly [user: UserId, previous: Offset | null])[];
}

export interface AnswerTo {
  readonly origin: Origin;
  readonly id: Uuid;
  readonly conversation: Uuid;
  readonly answer: Answer;
}

/** What is asked of whoever owns a partition. Every question may be put twice. */
export type Question =
  /** The states of conversations, as they are stored. */
  | { readonly about: "conversations"; readonly ids: readonly Uuid[] }
  /** Answered, for each, when storage has all of its comings and goings. */
  | { readonly about: "memberships"; readonly users: readonly UserId[] }
  /** The watermarks of all members of conversations. */
  | { readonly about: "watermarks"; readonly ids: readonly Uuid[] }
  | { readonly about: "reports"; readonly reports: readonly Report[] }
  /** Answered when everything that had been applied is in storage. */
  | { readonly about: "written" }
  | {
      readonly about: "attach";
      readonly user: UserId;
      readonly device: Uuid;
      readonly info: DeviceInfo;
      readonly position: Offset | null;
    }
  | { readonly about: "positions"; readonly positions: readonly Acknowledged[] }
  /** How far users' mailboxes go, with all that was acknowledged to anybody before the question. */
  | { readonly about: "extents"; readonly users: readonly UserId[] }
  /** Answered, with how far that is, when everything up to here is in storage that has to be there. */
  | { readonly about: "flushed"; readonly upTo: Offset }
  | { readonly about: "removal"; readonly user: UserId; readonly device: Uuid };

export type Report = readonly [user: UserId, conversation: Uuid, delivered: number, read: number];
/** How far a device durably has its mailbox, 0 where it was only seen; and when, in milliseconds since 1970. */
export type Acknowledged = readonly [user: UserId, device: Uuid, position: Offset, seen_at: number];

/** The answer to "attach". */
export interface Admission {
  readonly gap: boolean;
  /** The device has everything up to here. */
  readonly after: Offset;
  /** Entries up to here may be waiting for it. */
  readonly head: Offset;
}

/** What "extents" is answered for each user. */
export interface Extent {
  /** There is no entry beyond. */
  readonly head: Offset;
  /** What was before may be lost. */
  readonly since: Offset;
}

/** What one node sends another. */
export type NodeMessage =
  /** A connection of the other's that a newer one has replaced. */
  | { readonly kind: "replaced"; readonly entry: ConnectionEntry }
  /** A connection of the other's that the host has ended. */
  | { readonly kind: "disconnected"; readonly entry: ConnectionEntry }
  | { readonly kind: "answers"; readonly answers: readonly AnswerTo[] }
  | { readonly kind: "receipts"; readonly receipts: readonly (readonly [UserId, readonly Receipt[]])[] }
  | { readonly kind: "pushes"; readonly pushes: readonly Push[] }
  /** Entries up to these positions haven't been acknowledged by a device that is connected: it should look. [R3 c] */
  | { readonly kind: "look"; readonly heads: readonly (readonly [UserId, Offset])[] }
  | { readonly kind: "reply"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly code: ErrorCode };

/** What is published to a topic of the registry. */
export type TopicMessage =
  | { readonly kind: "ask"; readonly id: number; readonly node: string; readonly question: Question }
  /** Entries of a deliveries partition before `since` may be lost. */
  | { readonly kind: "gap"; readonly partition: number; readonly since: Offset };

// Both ends are this program, perhaps of neighbouring versions: messages begin with the version of their form.
const VERSION = 1;
const packr = new Packr({ useRecords: false, variableMapSize: true });

export function encodeForNode(message: NodeMessage | TopicMessage): Uint8Array {
  return packr.pack([VERSION, message]);
}

/** Throws `corrupt` for what no node of this version sent. */
export function decodeFromNode<M extends NodeMessage | TopicMessage>(bytes: Uint8Array): M {
  let form: unknown;
  try {
    form = packr.unpack(bytes);
  } catch (cause) {
    throw new ChatError("corrupt", "A node sent bytes that can't be read.", { cause });
  }
  if (!Array.isArray(form) || form[0] !== VERSION) {
    throw new ChatError("corrupt", `A node sent a message of another version than ${VERSION}.`);
  }
  return form[1] as M;
}
