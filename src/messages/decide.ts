import { decideGroup } from "../groups/decide-group.js";
import type { Action, Command } from "../model/command.js";
import type { ConversationState, Member } from "../model/conversation.js";
import { type Decision, refuse } from "../model/decision.js";
import type { Message } from "../model/message.js";

/**
 * The state machine: what a command comes to in a conversation that stands as `state` says (null where there is
 * none). No clock, no chance, no look-up: the same log gives the same entries on every node, however often. [R2]
 */
export function decide(
  state: ConversationState | null,
  command: Command,
  offset: number,
  maxMembers: number,
): Decision {
  return command.action.type === "send"
    ? decideSend(state, command, offset)
    : decideGroup(state, command, offset, maxMembers);
}

function decideSend(before: ConversationState | null, command: Command, offset: number): Decision {
  const { action, sender } = command;
  if (action.type !== "send") throw new TypeError("not a send");
  const state = before ?? (action.to === undefined ? null : firstOfDirect(command, action.to));
  if (state === null) return refuse("not_found", "conversation");
  if (!state.members.has(sender)) return refuse("not_member");

  const seq = state.head + 1;
  const timestamp = Math.max(state.timestamp, command.timestamp);
  return {
    answer: { ok: true, seq, timestamp },
    next: headed(state, seq, timestamp, offset),
    entry: messageOf(state, command, action, seq, timestamp),
    recipients: command.own_copy ? state.members.keys() : othersOf(state.members.keys(), sender),
  };
}

// Written out, since spreading costs up to a microsecond an object here, which every message would pay several times.

function headed(state: ConversationState, head: number, timestamp: number, offset: number): ConversationState {
  const { id, kind, name, version, members } = state;
  return { id, kind, name, head, timestamp, version, offset, members };
}

function messageOf(
  state: ConversationState,
  command: Command,
  action: Extract<Action, { type: "send" }>,
  seq: number,
  timestamp: number,
): Message {
  const { id, sender, device } = command;
  const { content_type, content, envelopes, silent, mentions } = action;
  const message: { -readonly [Key in keyof Message]: Message[Key] } = {
    type: "message",
    conversation: state.id,
    seq,
    id,
    sender,
    sender_device: device,
    timestamp,
    content_type,
    content,
  };
  if (state.kind === "direct") message.to = otherOf(state, sender);
  if (envelopes !== undefined) message.envelopes = envelopes;
  if (silent !== undefined) message.silent = silent;
  if (mentions !== undefined) message.mentions = mentions;
  return message;
}

function firstOfDirect(command: Command, to: string): ConversationState {
  const member: Member = { role: "member", joined: 1 };
  return {
    id: command.conversation,
    kind: "direct",
    name: "",
    head: 0,
    timestamp: 0,
    version: 0,
    offset: 0,
    members: new Map([
      [command.sender, member],
      [to, member],
    ]),
  };
}

function othersOf(users: Iterable<string>, user: string): string[] {
  return [...users].filter((other) => other !== user);
}

/** The other user of a direct conversation; the user itself in notes to self. */
function otherOf(state: ConversationState, user: string): string {
  for (const member of state.members.keys()) if (member !== user) return member;
  return user;
}
