import { describe, expect, test } from "vitest";
import { decide } from "../../src/messages/decide.js";
import type { Action, Answer, Command } from "../../src/model/command.js";
import type { ConversationState, Member } from "../../src/model/conversation.js";

const AS = ["owner", "admin", "member", "stranger"] as const;

const GROUP: ConversationState = {
  id: "group",
  kind: "group",
  name: "group",
  head: 7,
  timestamp: 100,
  version: 7,
  offset: 70,
  members: new Map<string, Member>([
    ["owner", { role: "owner", joined: 1 }],
    ["admin", { role: "admin", joined: 1 }],
    ["other admin", { role: "admin", joined: 2 }],
    ["member", { role: "member", joined: 1 }],
    ["other member", { role: "member", joined: 3 }],
  ]),
};
const ROOM_FOR_ONE = 6;

const YES = "yes";
const NOT_MEMBER = { ok: false, code: "not_member" } as const;
const FORBIDDEN = { ok: false, code: "forbidden" } as const;
const NOT_THEM = { ok: false, code: "forbidden", field: "users" } as const;
const NOT_THAT_ONE = { ok: false, code: "forbidden", field: "user" } as const;
const NO_SUCH_USERS = { ok: false, code: "not_found", field: "users" } as const;
const NO_SUCH_USER = { ok: false, code: "not_found", field: "user" } as const;
const NO_CONVERSATION = { ok: false, code: "not_found", field: "conversation" } as const;
const FULL = { ok: false, code: "group_full", field: "users", limit: ROOM_FOR_ONE } as const;
const EXISTS = { ok: false, code: "already_exists", field: "conversation" } as const;

type Outcome = Answer | typeof YES;

/** What each action comes to when the owner, an admin, a member or a stranger asks for it. */
const TABLE: [what: string, action: Action, outcomes: readonly [Outcome, Outcome, Outcome, Outcome]][] = [
  ["send", { type: "send", content_type: "text", content: new Uint8Array() }, [YES, YES, YES, NOT_MEMBER]],
  ["create it again", { type: "create", name: "", users: [] }, [EXISTS, EXISTS, EXISTS, EXISTS]],
  ["rename", { type: "rename", name: "new" }, [YES, YES, FORBIDDEN, NOT_MEMBER]],
  ["add somebody", { type: "add", users: ["new"] }, [YES, YES, FORBIDDEN, NOT_MEMBER]],
  ["add who is there already", { type: "add", users: ["member", "new", "new"] }, [YES, YES, FORBIDDEN, NOT_MEMBER]],
  ["add too many", { type: "add", users: ["new", "newer"] }, [FULL, FULL, FORBIDDEN, NOT_MEMBER]],
  ["remove a member", { type: "remove", users: ["other member"] }, [YES, YES, FORBIDDEN, NOT_MEMBER]],
  ["remove an admin", { type: "remove", users: ["other admin"] }, [YES, NOT_THEM, FORBIDDEN, NOT_MEMBER]],
  ["remove the owner", { type: "remove", users: ["owner"] }, [NOT_THEM, NOT_THEM, FORBIDDEN, NOT_MEMBER]],
  ["remove itself", { type: "remove", users: ["SELF"] }, [NOT_THEM, NOT_THEM, FORBIDDEN, NOT_MEMBER]],
  ["remove a stranger", { type: "remove", users: ["nobody"] }, [NO_SUCH_USERS, NO_SUCH_USERS, FORBIDDEN, NOT_MEMBER]],
  [
    "remove a member and a stranger",
    { type: "remove", users: ["other member", "nobody"] },
    [NO_SUCH_USERS, NO_SUCH_USERS, FORBIDDEN, NOT_MEMBER],
  ],
  ["leave", { type: "leave" }, [YES, YES, YES, NOT_MEMBER]],
  ["make an admin", { type: "role", user: "other member", role: "admin" }, [YES, FORBIDDEN, FORBIDDEN, NOT_MEMBER]],
  ["make a member", { type: "role", user: "other admin", role: "member" }, [YES, FORBIDDEN, FORBIDDEN, NOT_MEMBER]],
  ["hand it over", { type: "role", user: "other member", role: "owner" }, [YES, FORBIDDEN, FORBIDDEN, NOT_MEMBER]],
  ["step down", { type: "role", user: "SELF", role: "admin" }, [NOT_THAT_ONE, FORBIDDEN, FORBIDDEN, NOT_MEMBER]],
  [
    "give a stranger a role",
    { type: "role", user: "nobody", role: "admin" },
    [NO_SUCH_USER, FORBIDDEN, FORBIDDEN, NOT_MEMBER],
  ],
];

describe.each(TABLE)("%s", (_what, action, outcomes) => {
  test.each(AS.map((as, at) => [as, outcomes[at] as Outcome] as const))("asked by %s", (as, outcome) => {
    const { answer, next } = decide(GROUP, command(as, bySelf(action, as)), 80, ROOM_FOR_ONE);
    expect(answer).toEqual(outcome === YES ? { ok: true, seq: 8, timestamp: 100 } : outcome);
    expect(next === null).toBe(outcome !== YES);
  });
});

describe("when the owner leaves", () => {
  const heir = (state: ConversationState) => {
    const { next } = decide(state, command("owner", { type: "leave" }), 80, ROOM_FOR_ONE);
    return [...(next?.members ?? [])].filter(([, { role }]) => role === "owner").map(([user]) => user);
  };
  const without = (...users: string[]) => {
    return { ...GROUP, members: new Map([...GROUP.members].filter(([user]) => !users.includes(user))) };
  };

  test("the admin of longest standing follows", () => {
    expect(heir(GROUP)).toEqual(["admin"]);
    expect(heir(without("admin"))).toEqual(["other admin"]);
  });

  test("where there is no admin, the member of longest standing", () => {
    expect(heir(without("admin", "other admin"))).toEqual(["member"]);
    expect(heir(without("admin", "other admin", "member"))).toEqual(["other member"]);
  });

  test("and nobody where nobody is left", () => {
    expect(heir(without("admin", "other admin", "member", "other member"))).toEqual([]);
  });
});

describe.each(["rename", "add", "remove", "leave", "role"] as const)("%s", (type) => {
  test("is refused where there is no conversation", () => {
    expect(decide(null, command("owner", anyOf(type)), 80, ROOM_FOR_ONE).answer).toEqual(NO_CONVERSATION);
  });

  test("is forbidden in a direct conversation", () => {
    const direct: ConversationState = { ...GROUP, kind: "direct" };
    expect(decide(direct, command("member", anyOf(type)), 80, ROOM_FOR_ONE).answer).toEqual(FORBIDDEN);
  });
});

test("a message to a conversation that isn't there is refused, unless it names the other user", () => {
  const send = { type: "send", content_type: "text", content: new Uint8Array() } as const;
  expect(decide(null, command("alice", send), 80, ROOM_FOR_ONE).answer).toEqual(NO_CONVERSATION);
  const first = decide(null, command("alice", { ...send, to: "bob" }), 80, ROOM_FOR_ONE);
  expect(first.answer).toMatchObject({ ok: true, seq: 1 });
  expect([...(first.next?.members.keys() ?? [])]).toEqual(["alice", "bob"]);
});

test("notes to self have one member", () => {
  const note = { type: "send", content_type: "text", content: new Uint8Array(), to: "alice" } as const;
  const { next } = decide(null, command("alice", note), 80, ROOM_FOR_ONE);
  expect([...(next?.members.keys() ?? [])]).toEqual(["alice"]);
});

test("a group has room for its creator, who is its owner, among those it may have", () => {
  const users = ["b", "c", "d", "e", "f"];
  const { next } = decide(null, command("a", { type: "create", name: "", users: [...users, "a"] }), 80, ROOM_FOR_ONE);
  expect([...(next?.members ?? [])].map(([user, { role }]) => `${user} ${role}`)).toEqual([
    "a owner",
    ...users.map((user) => `${user} member`),
  ]);
  const tooMany = command("a", { type: "create", name: "", users: [...users, "g"] });
  expect(decide(null, tooMany, 80, ROOM_FOR_ONE).answer).toEqual(FULL);
});

function anyOf(type: "rename" | "add" | "remove" | "leave" | "role"): Action {
  const users = ["other member"];
  if (type === "add" || type === "remove") return { type, users };
  if (type === "role") return { type, user: "other member", role: "admin" };
  return type === "rename" ? { type, name: "new" } : { type };
}

function bySelf(action: Action, self: string): Action {
  if (action.type === "remove")
    return { ...action, users: action.users.map((user) => (user === "SELF" ? self : user)) };
  if (action.type === "role" && action.user === "SELF") return { ...action, user: self };
  return action;
}

function command(sender: string, action: Action): Command {
  const origin = { node: "node", connection: 1, ref: 1 };
  return { conversation: "group", id: "id", sender, device: "device", timestamp: 50, origin, own_copy: true, action };
}
