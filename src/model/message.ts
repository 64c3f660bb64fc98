import type { UserId, Uuid } from "./ids.js";

export const CONTENT_TYPES = ["text", "image", "video", "audio", "file", "event"] as const;

/** What kind of thing `content` is, so that a push or a list can say "photo" without reading it. */
export type ContentType = (typeof CONTENT_TYPES)[number];

export const ROLES = ["owner", "admin", "member"] as const;

/** What a member of a group may do. Exactly one member is the owner. */
export type Role = (typeof ROLES)[number];

/** The part of a message that is for one device only. */
export type Envelope = readonly [device: Uuid, bytes: Uint8Array];

/** What a message and a change of a group have in common: a place in the conversation's order. */
interface Placed {
  readonly conversation: Uuid;
  /** 1, 2, 3 … without gaps in a conversation: the only order there is. */
  readonly seq: number;
  /** The id that the sending client gave; the entry's identity for ever. */
  readonly id: Uuid;
  readonly sender: UserId;
  readonly sender_device: Uuid;
  /** Milliseconds since 1970 by the server's clock; never decreases in a conversation. For display, not for order. */
  readonly timestamp: number;
}

export interface Message extends Placed {
  readonly type: "message";
  /** In a direct conversation: the user it was sent to, so that the sender's other devices know whose it is. */
  readonly to?: UserId;
  readonly content_type: ContentType;
  /** Opaque to the server. */
  readonly content: Uint8Array;
  readonly envelopes?: readonly Envelope[];
  /** Raises no notification and doesn't count as unread. */
  readonly silent?: boolean;
  /** Users to be told even where a group is muted. */
  readonly mentions?: readonly UserId[];
}

/** What happened to a group. */
export type GroupChange =
  | { readonly kind: "created"; readonly name: string; readonly users: readonly UserId[] }
  | { readonly kind: "renamed"; readonly name: string }
  | { readonly kind: "added"; readonly users: readonly UserId[] }
  | { readonly kind: "removed"; readonly users: readonly UserId[] }
  /** The sender left; `owner` names the member that the group passed to, where the owner left. */
  | { readonly kind: "left"; readonly owner?: UserId }
  | { readonly kind: "role"; readonly user: UserId; readonly role: Role };

/** A change of a group's state. It has a `seq` of its own, so a conversation's history explains itself. */
export interface Change extends Placed {
  readonly type: "change";
  readonly change: GroupChange;
}

/** Whatever has a `seq` in a conversation. */
export type Entry = Message | Change;

/** About how many bytes of memory an entry takes, whatever holds it included. */
export function memoryOf(entry: Entry): number {
  if (entry.type === "change") return 512;
  const envelopes = entry.envelopes?.reduce((sum, [, bytes]) => sum + bytes.length + 64, 0) ?? 0;
  return 512 + entry.content.length + envelopes;
}
