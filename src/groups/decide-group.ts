import type { Action, Command } from "../model/command.js";
import type { ConversationState, Member } from "../model/conversation.js";
import { type Decision, refuse } from "../model/decision.js";
import { isDirectId, type UserId } from "../model/ids.js";
import type { GroupChange, Role } from "../model/message.js";

type Members = ReadonlyMap<UserId, Member>;
type Outcome = { readonly change: GroupChange; readonly members: Members; readonly name?: string } | Decision;

/**
 * What a group command comes to. Every change takes a seq of its own, is decided by the group as it stood at that
 * point of the log, and goes to those who were members before it and those who are after.
 */
export function decideGroup(
  state: ConversationState | null,
  command: Command,
  offset: number,
  maxMembers: number,
): Decision {
  const { action } = command;
  if (action.type === "create") return create(state, command, action, offset, maxMembers);
  if (state === null) return refuse("not_found", "conversation");
  const self = state.members.get(command.sender);
  if (self === undefined) return refuse("not_member");
  if (state.kind !== "group") return refuse("forbidden");
  const outcome = change(state, command.sender, self.role, action, maxMembers);
  return "answer" in outcome ? outcome : place(state, command, offset, outcome);
}

function create(
  state: ConversationState | null,
  command: Command,
  action: Extract<Action, { type: "create" }>,
  offset: number,
  maxMembers: number,
): Decision {
  // Else two people who write to each other for the first time would find themselves in somebody's group.
  if (isDirectId(command.conversation)) return refuse("invalid", "conversation");
  if (state !== null) return refuse("already_exists", "conversation");
  const users = [...new Set([command.sender, ...action.users])];
  if (users.length > maxMembers) return refuse("group_full", "users", maxMembers);
  const members = new Map(
    users.map((user, i): [UserId, Member] => [user, { role: i === 0 ? "owner" : "member", joined: 1 }]),
  );
  const empty: ConversationState = {
    id: command.conversation,
    kind: "group",
    name: "",
    head: 0,
    timestamp: 0,
    version: 0,
    offset: 0,
    members: new Map(),
  };
  const { name } = action;
  return place(empty, command, offset, { change: { kind: "created", name, users }, members, name });
}

function change(state: ConversationState, sender: UserId, role: Role, action: Action, maxMembers: number): Outcome {
  const { members } = state;
  switch (action.type) {
    case "rename":
      if (role === "member") return refuse("forbidden");
      return { change: { kind: "renamed", name: action.name }, members, name: action.name };
    case "add": {
      if (role === "member") return refuse("forbidden");
      const users = [...new Set(action.users)].filter((user) => !members.has(user));
      if (members.size + users.length > maxMembers) return refuse("group_full", "users", maxMembers);
      const joined = state.head + 1;
      const added = users.map((user): [UserId, Member] => [user, { role: "member", joined }]);
      return { change: { kind: "added", users }, members: new Map([...members, ...added]) };
    }
    case "remove":
      return remove(members, sender, role, [...new Set(action.users)]);
    case "leave":
      return leave(members, sender, role);
    case "role":
      return setRole(members, sender, role, action.user, action.role);
    default:
      throw new TypeError(`not a change of a group: ${action.type}`);
  }
}

function remove(members: Members, sender: UserId, role: Role, users: readonly UserId[]): Outcome {
  if (role === "member") return refuse("forbidden");
  const left = new Map(members);
  for (const user of users) {
    const member = members.get(user);
    if (member === undefined) return refuse("not_found", "users");
    if (user === sender || (role === "admin" && member.role !== "member")) return refuse("forbidden", "users");
    left.delete(user);
  }
  return { change: { kind: "removed", users }, members: left };
}

function leave(members: Members, sender: UserId, role: Role): Outcome {
  const left = new Map(members);
  left.delete(sender);
  if (role !== "owner") return { change: { kind: "left" }, members: left };
  const heir = longestStanding(left, "admin") ?? longestStanding(left, "member");
  if (heir === undefined) return { change: { kind: "left" }, members: left };
  const [owner, member] = heir;
  left.set(owner, { ...member, role: "owner" });
  return { change: { kind: "left", owner }, members: left };
}

/** Of those who joined first, the one that was named first: members keep the order in which they came. */
function longestStanding(members: Members, role: Role): [UserId, Member] | undefined {
  let first: [UserId, Member] | undefined;
  for (const [user, member] of members) {
    if (member.role === role && (first === undefined || member.joined < first[1].joined)) first = [user, member];
  }
  return first;
}

function setRole(members: Members, sender: UserId, role: Role, user: UserId, given: Role): Outcome {
  if (role !== "owner") return refuse("forbidden");
  const member = members.get(user);
  if (member === undefined) return refuse("not_found", "user");
  // The group would be left without an owner.
  if (user === sender && given !== "owner") return refuse("forbidden", "user");
  const changed = new Map(members);
  if (given === "owner" && user !== sender) {
    changed.set(sender, { ...(members.get(sender) as Member), role: "admin" });
  }
  changed.set(user, { ...member, role: given });
  return { change: { kind: "role", user, role: given }, members: changed };
}

function place(
  state: ConversationState,
  command: Command,
  offset: number,
  outcome: { readonly change: GroupChange; readonly members: Members; readonly name?: string },
): Decision {
  const seq = state.head + 1;
  const timestamp = Math.max(state.timestamp, command.timestamp);
  const { change, members } = outcome;
  const recipients = new Set([...state.members.keys(), ...members.keys()]);
  if (!command.own_copy) recipients.delete(command.sender);
  return {
    answer: { ok: true, seq, timestamp },
    next: { ...state, name: outcome.name ?? state.name, head: seq, timestamp, version: seq, offset, members },
    entry: {
      type: "change",
      conversation: state.id,
      seq,
      id: command.id,
      sender: command.sender,
      sender_device: command.device,
      timestamp,
      change,
    },
    recipients,
  };
}
