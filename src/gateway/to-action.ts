import { ChatError } from "../errors.js";
import type { Action } from "../model/command.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Envelope } from "../model/message.js";
import type { ClientFrame, ClientFrames } from "../protocol/frames.js";
import type { DirectIds } from "./direct-ids.js";
import { SendAction } from "./given-command.js";
import { keepBytes } from "./keep-bytes.js";

/** The frames that become commands of the log. */
export type CommandFrame = ClientFrames[
  | "send"
  | "group.create"
  | "group.rename"
  | "group.add"
  | "group.remove"
  | "group.leave"
  | "group.role"];

export function isCommand(frame: ClientFrame): frame is CommandFrame {
  return frame.type === "send" || (frame.type.startsWith("group.") && frame.type !== "group.members");
}

/** The conversation that a command is for: a direct one is computed from its users. */
export function conversationOf(frame: CommandFrame, user: UserId, directIds: DirectIds): Uuid {
  if (frame.type !== "send") return frame.conversation;
  if ((frame.conversation === undefined) === (frame.user === undefined)) {
    throw new ChatError("invalid", "send: either conversation or user is wanted", { field: "conversation" });
  }
  return frame.conversation ?? directIds.of(user, frame.user as UserId);
}

function keepEnvelope([device, bytes]: Envelope): Envelope {
  return [device, keepBytes(bytes)];
}

/** What a frame asks of its conversation. */
export function toAction(frame: CommandFrame): Action {
  switch (frame.type) {
    case "send": {
      const { user, content_type, content, envelopes, silent, mentions } = frame;
      const action = new SendAction(content_type, keepBytes(content));
      if (user !== undefined) action.to = user;
      if (envelopes !== undefined) action.envelopes = envelopes.map(keepEnvelope);
      if (silent !== undefined) action.silent = silent;
      if (mentions !== undefined) action.mentions = mentions;
      return action;
    }
    case "group.create":
      return { type: "create", name: frame.name, users: frame.users };
    case "group.rename":
      return { type: "rename", name: frame.name };
    case "group.add":
      return { type: "add", users: frame.users };
    case "group.remove":
      return { type: "remove", users: frame.users };
    case "group.leave":
      return { type: "leave" };
    case "group.role":
      return { type: "role", user: frame.user, role: frame.role };
  }
}
