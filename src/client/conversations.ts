import type { UserId, Uuid } from "../model/ids.js";
import type { ServerFrames } from "../protocol/frames.js";
import type { ChatChange, StoredEntry } from "./message.js";
import { withReached } from "./status.js";
import type { ConversationRow, StoredMember } from "./stores/store.js";

type Members = ReadonlyMap<UserId, StoredMember>;
type Listed = ServerFrames["conversation_list"]["conversations"][number];

/** A conversation as a list of conversations shows it. */
export interface ConversationSummary {
  readonly conversation: Uuid;
  readonly kind: "direct" | "group";
  /** A group's name; empty where it isn't known yet, and for direct conversations. */
  readonly name: string;
  /** The other user of a direct conversation. */
  readonly user?: UserId;
  /** The last seq that is known of. */
  readonly head: number;
  /** Milliseconds since 1970 of the last entry. */
  readonly timestamp: number;
  /** This user has read up to this seq. */
  readonly read: number;
  /** Messages of others past `read` that this device has and that are not silent. */
  readonly unread: number;
  /** Whether this user is no member any more. */
  readonly left: boolean;
}

export function summaryOf(row: ConversationRow): ConversationSummary {
  const { conversation, kind, name, user, head, timestamp, read, unread, left } = row;
  const summary = { conversation, kind, name, head, timestamp, read, unread, left };
  return user === undefined ? summary : { ...summary, user };
}

/** A row of which nothing is known but its kind. */
export function emptyRow(conversation: Uuid, kind: "direct" | "group", user?: UserId): ConversationRow {
  const nothing = { delivered: 0, read: 0 };
  return {
    conversation,
    kind,
    name: "",
    ...(user !== undefined && { user }),
    head: 0,
    timestamp: 0,
    seen: 0,
    early: [],
    came: 0,
    read: 0,
    kept: nothing,
    unread: 0,
    own: 0,
    reached: nothing,
    version: 0,
    left: false,
    marks: new Map(),
  };
}

/** The row that an entry's conversation begins with. */
export function rowOf(entry: StoredEntry, self: UserId): ConversationRow {
  if (entry.type === "change" || entry.to === undefined) return emptyRow(entry.conversation, "group");
  return emptyRow(entry.conversation, "direct", entry.sender === self ? entry.to : entry.sender);
}

/** The row when an entry is known to be in the conversation, though it is not its turn. */
export function withKnown(row: ConversationRow, entry: StoredEntry, self: UserId): ConversationRow {
  const own = entry.type === "message" && entry.sender === self;
  const known = {
    ...row,
    head: Math.max(row.head, entry.seq),
    timestamp: Math.max(row.timestamp, entry.timestamp),
    own: own ? Math.max(row.own, entry.seq) : row.own,
  };
  // A watermark that came before the message may cover it already.
  return own ? withReached(known, self) : known;
}

/** The row when it is an entry's turn: every entry before it that comes has come. */
export function withPlaced(row: ConversationRow, entry: StoredEntry, self: UserId): ConversationRow {
  const known = { ...withKnown(row, entry, self), seen: entry.seq };
  return entry.type === "change" ? withReached(withChange(known, entry, self), self) : known;
}

function withChange(row: ConversationRow, entry: ChatChange, self: UserId): ConversationRow {
  if (entry.seq <= row.version) return row;
  const { change, seq, sender } = entry;
  const changed: ConversationRow = { ...row, version: seq };
  switch (change.kind) {
    case "created": {
      const members = change.users.map((user, i): [UserId, StoredMember] => [
        user,
        { role: i === 0 ? "owner" : "member", joined: 1 },
      ]);
      return { ...changed, name: change.name, members: new Map(members) };
    }
    case "renamed":
      return { ...changed, name: change.name };
    case "added": {
      // What became of the group while this user was no member isn't known.
      const { members: _, ...anew } = changed;
      if (change.users.includes(self)) return { ...anew, left: false };
      const added = change.users.map((user): [UserId, StoredMember] => [user, { role: "member", joined: seq }]);
      return { ...changed, ...edited(row, (members) => new Map([...members, ...added])) };
    }
    case "removed":
      return without(changed, change.users, self);
    case "left":
      return without(change.owner === undefined ? changed : withRole(changed, change.owner, "owner"), [sender], self);
    case "role": {
      const former = change.role === "owner" && sender !== change.user ? withRole(changed, sender, "admin") : changed;
      return withRole(former, change.user, change.role);
    }
  }
}

function edited(row: ConversationRow, edit: (members: Members) => Members): { members?: Members } {
  return row.members === undefined ? {} : { members: edit(row.members) };
}

function withRole(row: ConversationRow, user: UserId, role: StoredMember["role"]): ConversationRow {
  const member = row.members?.get(user);
  if (member === undefined) return row;
  return { ...row, ...edited(row, (members) => new Map(members).set(user, { ...member, role })) };
}

function without(row: ConversationRow, users: readonly UserId[], self: UserId): ConversationRow {
  const gone = new Set(users);
  return {
    ...row,
    left: row.left || gone.has(self),
    ...edited(row, (members) => new Map([...members].filter(([user]) => !gone.has(user)))),
    marks: new Map([...row.marks].filter(([user]) => !gone.has(user))),
  };
}

/** The row with the members that the server told; older than what is known they change nothing. */
export function withMembers(
  row: ConversationRow,
  told: Omit<ServerFrames["member_list"], "type" | "ref">,
  self: UserId,
): ConversationRow {
  const head = Math.max(row.head, told.head);
  if (told.version < row.version) return { ...row, head };
  const members = new Map(told.members.map(({ user, role, joined }) => [user, { role, joined }]));
  return withReached({ ...row, head, name: told.name, version: told.version, members, left: !members.has(self) }, self);
}

/** The row with what a list of the server's conversations tells of it, but for what this user has read. */
export function withListed(row: ConversationRow | undefined, listed: Listed): ConversationRow {
  const { conversation, kind, name, user, head, timestamp } = listed;
  const known = row ?? emptyRow(conversation, kind, user);
  return {
    ...known,
    name: name ?? known.name,
    head: Math.max(known.head, head),
    timestamp: Math.max(known.timestamp, timestamp),
    left: false,
  };
}
