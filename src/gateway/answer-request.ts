import { ChatError } from "../errors.js";
import type { ConversationState } from "../model/conversation.js";
import type { UserId, Uuid } from "../model/ids.js";
import { type ClientFrame, type ClientFrames, PAGE, type ServerFrame } from "../protocol/frames.js";
import type { Connection } from "./connection.js";
import { entryFrame } from "./entry-frame.js";
import type { Services } from "./services.js";

/** The frames that ask for something stored. They are answered in whatever order they are ready. */
export type RequestFrame = ClientFrames["pull" | "receipts" | "conversations" | "group.members"];

export function isRequest(frame: ClientFrame): frame is RequestFrame {
  return (
    frame.type === "pull" ||
    frame.type === "receipts" ||
    frame.type === "conversations" ||
    frame.type === "group.members"
  );
}

/** The answer to a request. Throws the typed error that refuses it. */
export async function answerRequest(
  services: Services,
  connection: Connection,
  frame: RequestFrame,
): Promise<ServerFrame> {
  const { user } = connection;
  switch (frame.type) {
    case "pull":
      return frame.mailbox === undefined ? pullHistory(services, connection, frame) : pullMailbox(connection, frame);
    case "receipts":
      return watermarks(services, user, frame);
    case "conversations":
      return conversationList(services, user, frame);
    case "group.members":
      return memberList(services, user, frame);
  }
}

function pullMailbox(connection: Connection, frame: ClientFrames["pull"]): ServerFrame {
  connection.feed?.restart(frame.mailbox as number);
  return { type: "ok", ref: frame.ref };
}

async function pullHistory(
  services: Services,
  { user, device }: Connection,
  frame: ClientFrames["pull"],
): Promise<ServerFrame> {
  const { ref, conversation, after, before, limit = PAGE } = frame;
  if (conversation === undefined) {
    throw new ChatError("invalid", "pull: either conversation or mailbox is wanted", { field: "conversation" });
  }
  if (!services.history.kept) throw new ChatError("not_kept");
  const state = await memberOf(services, conversation, user);
  const joined = state.members.get(user)?.joined ?? 1;
  const { entries, more } = await services.history.read(conversation, {
    after: Math.max(after ?? 0, joined - 1),
    before: before ?? Number.MAX_SAFE_INTEGER,
    limit: Math.max(1, limit),
    last: after === undefined,
  });
  return { type: "batch", ref, entries: entries.map((entry) => entryFrame(entry, undefined, device)), more };
}

async function watermarks(services: Services, user: UserId, frame: ClientFrames["receipts"]): Promise<ServerFrame> {
  const lists = await Promise.all(
    frame.conversations.map(async (conversation) => {
      const state = await stateOf(services, conversation);
      return state?.members.has(user) ? services.receipts.of(state) : [];
    }),
  );
  return { type: "watermarks", ref: frame.ref, watermarks: lists.flat() };
}

async function conversationList(
  services: Services,
  user: UserId,
  frame: ClientFrames["conversations"],
): Promise<ServerFrame> {
  const limit = Math.max(1, frame.limit ?? PAGE);
  const ids = await services.conversations.of(user, frame.after ?? null, limit + 1);
  const page = ids.slice(0, limit);
  const summaries = await Promise.all(page.map(async (id) => summary(services, user, await stateOf(services, id))));
  return {
    type: "conversation_list",
    ref: frame.ref,
    conversations: summaries.filter((one) => one !== null),
    more: ids.length > limit,
  };
}

async function summary(services: Services, user: UserId, state: ConversationState | null) {
  if (!state?.members.has(user)) return null;
  const { id, kind, name, head, timestamp } = state;
  const own = (await services.receipts.of(state)).find((receipt) => receipt.user === user);
  const other = [...state.members.keys()].find((member) => member !== user) ?? user;
  return {
    conversation: id,
    kind,
    ...(kind === "direct" ? { user: other } : { name }),
    head,
    timestamp,
    delivered: own?.delivered ?? 0,
    read: own?.read ?? 0,
  };
}

async function memberList(
  services: Services,
  user: UserId,
  frame: ClientFrames["group.members"],
): Promise<ServerFrame> {
  const { id, kind, name, version, head, members } = await memberOf(services, frame.conversation, user);
  return {
    type: "member_list",
    ref: frame.ref,
    conversation: id,
    kind,
    name,
    version,
    head,
    members: [...members].map(([member, { role, joined }]) => ({ user: member, role, joined })),
  };
}

async function memberOf(services: Services, conversation: Uuid, user: UserId): Promise<ConversationState> {
  const state = await stateOf(services, conversation);
  // A conversation that one isn't in and one that there isn't look the same from outside.
  if (!state?.members.has(user)) throw new ChatError("not_found", undefined, { field: "conversation" });
  return state;
}

function stateOf(services: Services, id: Uuid): ConversationState | null | Promise<ConversationState | null> {
  const held = services.conversations.held(id);
  return held === undefined ? services.conversations.load(id) : held;
}
