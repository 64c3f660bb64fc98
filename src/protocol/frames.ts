import { DEFAULT_LIMITS } from "../model/limits.js";
import { CONTENT_TYPES, ROLES } from "../model/message.js";
import {
  bool,
  bytes,
  type Fields,
  type Infer,
  list,
  object,
  oneOf,
  optional,
  text,
  tuple,
  uint,
  union,
  uuid,
} from "./schema.js";

// The one place that says which frames there are, what they carry and how large it may be. Codecs, checks, types and
// the reference documentation all come from here.

export const USER_BYTES = 128;
export const NAME_BYTES = 256;
export const TOKEN_BYTES = 8_192;
/** Pairs in one receipt, entries in one page, conversations in one request. */
export const PAGE = 256;

const user = (about: string) => text(about, USER_BYTES, { recurs: true });
const ref = uint("The client's number for this request; its answer carries it back.");
const answerRef = uint("The request's number.");
const conversation = uuid("The conversation.");
const commandId = uuid("The command's id, a UUIDv7 of the client's; the same again when it is repeated.");
const users = (about: string) => list(about, user("A user."), DEFAULT_LIMITS.group_members);
const pairs = (about: string) => list(about, tuple("A conversation and a seq.", conversation, uint("The seq.")), PAGE);

export interface FrameDoc {
  readonly about: string;
  readonly fields: Fields;
}

function frame<const F extends Fields>(about: string, fields: F): { about: string; fields: F } {
  return { about, fields };
}

/** Frames that a client sends. */
export const CLIENT_FRAMES = {
  hello: frame(
    "The first frame of a connection. Answered with welcome, then everything missed, then synced, then whatever happens.",
    {
      token: text("What the host's authentication wants.", TOKEN_BYTES),
      device: object("The device.", {
        id: uuid("Made once by the device and kept."),
        name: optional(text("For people to tell their devices apart.", NAME_BYTES)),
        platform: optional(text("For example web, node, ios, android.", 64)),
      }),
      position: optional(
        uint("The device durably has everything of its mailbox up to here. Absent on a device that is new."),
      ),
    },
  ),
  ping: frame("A sign of life. Answered with pong.", {
    position: optional(uint("The device's position.")),
  }),
  auth: frame(
    "A fresh token for the same user, before the old one runs out. Answered with ok, or the connection closes with 4401.",
    {
      ref,
      token: text("What the host's authentication wants.", TOKEN_BYTES),
    },
  ),
  send: frame(
    "A message. Answered with ack once it is stored for good, or with error. Name the conversation, or the user for a direct one.",
    {
      ref,
      id: uuid("The message's id for ever: a UUIDv7 of the client's; the same again when the message is repeated."),
      conversation: optional(conversation),
      user: optional(user("The other user of a direct conversation, which is made by its first message.")),
      content_type: oneOf("What kind of thing the content is.", CONTENT_TYPES),
      content: bytes("Opaque to the server.", DEFAULT_LIMITS.content),
      envelopes: optional(
        list(
          "Parts for one device only; each device is given its own.",
          tuple("A device and its part.", uuid("The device."), bytes("Opaque to the server.", 16_384)),
          PAGE,
        ),
      ),
      silent: optional(bool("Raises no notification.")),
      mentions: optional(users("Users to be told even where a group is muted.")),
    },
  ),
  receipt: frame("How far this device has got. Not answered; repeat what a pong or the watermarks don't show.", {
    position: optional(uint("The device durably has everything of its mailbox up to here: the server may forget it.")),
    delivered: optional(pairs("The device has everything of the conversation up to this seq.")),
    read: optional(pairs("The user has read everything of the conversation up to this seq.")),
  }),
  pull: frame(
    "Asks for history of a conversation, where it is kept, or for the mailbox again. Answered with batch, or with ok for the mailbox, whose entries then come as they do after hello.",
    {
      ref,
      conversation: optional(conversation),
      after: optional(uint("Only entries with a greater seq; the first of them, ascending.")),
      before: optional(uint("Only entries with a smaller seq; without after: the last of them, ascending.")),
      limit: optional(uint("Entries at most.", PAGE)),
      mailbox: optional(uint("Instead of a conversation: send the mailbox from after this position.")),
    },
  ),
  receipts: frame("Asks for the watermarks of conversations. Answered with watermarks.", {
    ref,
    conversations: list("Which ones.", conversation, PAGE),
  }),
  conversations: frame("Asks for the user's conversations, by id. Answered with conversation_list.", {
    ref,
    after: optional(uuid("Only greater ids: the last of the page before.")),
    limit: optional(uint("Conversations at most.", PAGE)),
  }),
  "group.create": frame("Makes a group, owned by the sender. Answered with ack.", {
    ref,
    id: commandId,
    conversation: uuid("The new group's id: a UUIDv7 of the client's."),
    name: text("The group's name.", NAME_BYTES),
    users: users("The other members."),
  }),
  "group.rename": frame("Gives a group another name. For its owner and admins. Answered with ack.", {
    ref,
    id: commandId,
    conversation,
    name: text("The new name.", NAME_BYTES),
  }),
  "group.add": frame(
    "Adds members. For the owner and admins. Those who are members already are passed over. Answered with ack.",
    {
      ref,
      id: commandId,
      conversation,
      users: users("The new members."),
    },
  ),
  "group.remove": frame(
    "Removes members. The owner may remove anyone else, an admin plain members. Answered with ack.",
    {
      ref,
      id: commandId,
      conversation,
      users: users("The members."),
    },
  ),
  "group.leave": frame(
    "The sender leaves. Where the owner leaves, the group passes to the longest-standing admin, else member. Answered with ack.",
    {
      ref,
      id: commandId,
      conversation,
    },
  ),
  "group.role": frame(
    "Gives a member a role. For the owner; giving owner away makes the sender an admin. Answered with ack.",
    {
      ref,
      id: commandId,
      conversation,
      user: user("The member."),
      role: oneOf("The role.", ROLES),
    },
  ),
  "group.members": frame("Asks for a conversation's name and members. Answered with member_list.", {
    ref,
    conversation,
  }),
} as const;

const placed = {
  conversation,
  seq: uint("1, 2, 3 … without gaps in the conversation: its order."),
  id: uuid("The entry's id, as its sender gave it."),
  sender: user("Who sent it."),
  sender_device: uuid("From which device."),
  timestamp: uint(
    "Milliseconds since 1970 by the server's clock; never decreases in a conversation. For display only.",
  ),
  position: optional(uint("The entry's place in this user's mailbox; absent in answers to pull.")),
};

const MESSAGE = {
  ...placed,
  to: optional(user("In a direct conversation: the user it was sent to.")),
  content_type: oneOf("What kind of thing the content is.", CONTENT_TYPES),
  content: bytes("Opaque to the server.", DEFAULT_LIMITS.content),
  envelope: optional(bytes("The part for this device only.", 16_384)),
  silent: optional(bool("Raises no notification.")),
  mentions: optional(users("Users to be told even where a group is muted.")),
};

const CHANGE = {
  ...placed,
  change: union("What happened.", "kind", {
    created: { name: text("The group's name.", NAME_BYTES), users: users("All members, the creator first.") },
    renamed: { name: text("The new name.", NAME_BYTES) },
    added: { users: users("Who is a member now.") },
    removed: { users: users("Who is no longer.") },
    left: { owner: optional(user("Whom the group passed to, where its owner left.")) },
    role: { user: user("The member."), role: oneOf("The role that the member has now.", ROLES) },
  }),
};

const watermark = {
  conversation,
  user: user("Whose."),
  delivered: uint("Some device of the user has everything up to this seq."),
  read: uint("The user has read up to this seq."),
};

/** Frames that the server sends. */
export const SERVER_FRAMES = {
  welcome: frame("The answer to hello. What the device missed follows, then synced.", {
    user: user("Who the token says it is."),
    device: uuid("The device."),
    connection: text("The connection's name in the server's logs.", 128),
    timestamp: uint("The server's clock: milliseconds since 1970."),
    gap: bool(
      "The server can't continue at the position given: some entries are gone, or it never knew it. Rebuild from conversations and pull.",
    ),
    limits: object("The server's limits.", {
      content: uint("Bytes of a message's content."),
      frame: uint("Bytes of a WebSocket message."),
      in_flight: uint("Commands unacknowledged, counted from the oldest."),
      group_members: uint("Members of a group."),
      idle_seconds: uint("Without a sign of life for so long, either side counts as gone."),
    }),
  }),
  synced: frame("Everything stored up to here has been sent; what follows is live.", {
    position: uint("The mailbox's end: the device's position once it has everything before."),
  }),
  pong: frame("The answer to ping.", {
    head: uint(
      "The mailbox's end: no entry lies beyond. A device that is behind, though it was synced, pulls the mailbox.",
    ),
    position: optional(uint("The device's position as the server has it: repeat a receipt that it doesn't show.")),
  }),
  ack: frame("The command is stored for good. A repeated command is answered with its first ack.", {
    ref: answerRef,
    id: uuid("The command's id."),
    conversation,
    seq: uint("The place that it got in the conversation."),
    timestamp: uint("The time that it got."),
    position: optional(
      uint(
        "The place of the entry in the sender's own mailbox, where all before it has been sent to this connection: the device has everything up to here. Absent where there is none, or where a later one covers it. With it or without, the acknowledgement stands for the entry, which does not come again while the connection lasts.",
      ),
    ),
  }),
  ok: frame("The request was carried out.", { ref: answerRef }),
  error: frame("The request, or the frame, was refused.", {
    ref: optional(answerRef),
    id: optional(uuid("The command's id.")),
    code: text("What went wrong: see the table of errors.", 64),
    message: text("The same for people.", 1_024, { min: 0 }),
    field: optional(text("The field at fault.", 256)),
    limit: optional(uint("The bound that was passed.")),
    retry_after: optional(uint("Milliseconds to wait before trying again.")),
  }),
  message: frame("A message.", MESSAGE),
  change: frame("A change of a group.", CHANGE),
  receipt: frame("Watermarks of another member, or of this user by another device.", {
    watermarks: list("The ones that grew.", object("A member's.", watermark), PAGE),
  }),
  batch: frame("The answer to pull: entries, ascending.", {
    ref: answerRef,
    entries: list("The entries.", union("An entry.", "type", { message: MESSAGE, change: CHANGE }), PAGE),
    more: bool("Whether there are more in the direction asked."),
  }),
  watermarks: frame("The answer to receipts: the watermarks of all members.", {
    ref: answerRef,
    watermarks: list(
      "Conversations in which the user is no member are left out.",
      object("A member's.", watermark),
      PAGE * DEFAULT_LIMITS.group_members,
    ),
  }),
  conversation_list: frame("The answer to conversations.", {
    ref: answerRef,
    conversations: list(
      "Ascending by id.",
      object("One conversation.", {
        conversation,
        kind: oneOf("Its kind.", ["direct", "group"]),
        name: optional(text("A group's name.", NAME_BYTES)),
        user: optional(user("The other user of a direct conversation.")),
        head: uint("The last seq."),
        timestamp: uint("The last entry's time."),
        delivered: uint("This user's own watermark."),
        read: uint("This user's own watermark."),
      }),
      PAGE,
    ),
    more: bool("Whether there are more."),
  }),
  member_list: frame("The answer to group.members.", {
    ref: answerRef,
    conversation,
    kind: oneOf("Its kind.", ["direct", "group"]),
    name: text("A group's name.", NAME_BYTES, { min: 0 }),
    version: uint("The seq of the last change of the group."),
    head: uint("The last seq."),
    members: list(
      "All members.",
      object("A member.", {
        user: user("Who."),
        role: oneOf("The role.", ROLES),
        joined: uint("The first seq that the member may see."),
      }),
      PAGE,
    ),
  }),
  stale: frame("Receipts were left out because the connection was too slow: ask for the watermarks that matter.", {}),
  goaway: frame("The connection will be closed soon: come back, perhaps elsewhere, after a while.", {
    code: text("Why: see the table of errors.", 64),
    retry_after: uint("Milliseconds to wait; spread over the connections."),
  }),
} as const;

type Frames<Table> = {
  [K in keyof Table]: Table[K] extends { fields: infer F extends Fields } ? { type: K } & Infer<F> : never;
};

export type ClientFrames = Frames<typeof CLIENT_FRAMES>;
export type ServerFrames = Frames<typeof SERVER_FRAMES>;
/** Any frame that a client sends. */
export type ClientFrame = ClientFrames[keyof ClientFrames];
/** Any frame that the server sends. */
export type ServerFrame = ServerFrames[keyof ServerFrames];
