import { directConversation, newId, type Role } from "sentseen";
import { describe, expect, it } from "vitest";
import { openHouse } from "./support/house.js";
import type { Request, WireClient } from "./support/wire-client.js";

type Who = Role | "stranger";

/** A group with an owner, two admins and two members; `stranger` is in none. */
async function aGroup() {
  const house = await openHouse();
  const { conversation } = await house.group("owner", ["admin", "other admin", "member", "other member"]);
  const users = ["owner", "admin", "member", "stranger"];
  const clients = new Map(await Promise.all(users.map(async (user) => [user, await house.client(user)] as const)));
  const as = (who: Who) => clients.get(who) as WireClient;
  for (const user of ["admin", "other admin"]) {
    await as("owner").expect("ack", { type: "group.role", id: newId(), conversation, user, role: "admin" });
  }
  return { house, conversation, as };
}

const COMMANDS = {
  rename: { type: "group.rename", name: "new" },
  add: { type: "group.add", users: ["newcomer"] },
  "remove a member": { type: "group.remove", users: ["other member"] },
  "remove an admin": { type: "group.remove", users: ["other admin"] },
  "remove the owner": { type: "group.remove", users: ["owner"] },
  "give a role": { type: "group.role", user: "other member", role: "admin" },
} as const;

const ALLOWED: Record<keyof typeof COMMANDS, readonly Who[]> = {
  rename: ["owner", "admin"],
  add: ["owner", "admin"],
  "remove a member": ["owner", "admin"],
  "remove an admin": ["owner"],
  "remove the owner": [],
  "give a role": ["owner"],
};

describe("who may", () => {
  it.each(Object.keys(COMMANDS) as (keyof typeof COMMANDS)[])("%s", async (what) => {
    for (const who of ["owner", "admin", "member", "stranger"] as const) {
      const { conversation, as } = await aGroup();
      const answer = await as(who).ask({ ...COMMANDS[what], id: newId(), conversation } as Request);
      const expected = ALLOWED[what].includes(who)
        ? { type: "ack", seq: 4 }
        : { type: "error", code: who === "stranger" ? "not_member" : "forbidden" };
      expect(answer, `${what} as ${who}`).toMatchObject(expected);
    }
  });
});

describe("a group command is refused", () => {
  it("where there is no such group", async () => {
    const { as } = await aGroup();
    const request = { type: "group.rename", id: newId(), conversation: newId(), name: "x" } as const;
    expect(await as("owner").refused(request)).toMatchObject({
      code: "not_found",
      field: "conversation",
      id: request.id,
    });
    expect(await as("owner").refused({ type: "group.members", conversation: newId() })).toMatchObject({
      code: "not_found",
    });
    expect(await as("owner").refused(as("owner").message({ conversation: newId() }, "anyone?"))).toMatchObject({
      code: "not_found",
    });
  });

  it("where it names someone who isn't a member", async () => {
    const { as, conversation } = await aGroup();
    const owner = as("owner");
    const remove = { type: "group.remove", id: newId(), conversation, users: ["member", "stranger"] } as const;
    expect(await owner.refused(remove)).toMatchObject({ code: "not_found", field: "users" });
    const role = { type: "group.role", id: newId(), conversation, user: "stranger", role: "admin" } as const;
    expect(await owner.refused(role)).toMatchObject({ code: "not_found", field: "user" });
    const { members } = await owner.expect("member_list", { type: "group.members", conversation });
    expect(members).toHaveLength(5);
  });

  it("where it would leave the group without an owner", async () => {
    const { as, conversation } = await aGroup();
    const role = { type: "group.role", id: newId(), conversation, user: "owner", role: "admin" } as const;
    expect(await as("owner").refused(role)).toMatchObject({ code: "forbidden", field: "user" });
    const remove = { type: "group.remove", id: newId(), conversation, users: ["owner"] } as const;
    expect(await as("owner").refused(remove)).toMatchObject({ code: "forbidden", field: "users" });
  });

  it("in a conversation of two", async () => {
    const { as } = await aGroup();
    await as("owner").say({ user: "member" }, "hello");
    const conversation = directConversation("owner", "member");
    for (const command of [
      { type: "group.rename", name: "ours" },
      { type: "group.add", users: ["stranger"] },
      { type: "group.leave" },
    ] as const) {
      const request = { ...command, id: newId(), conversation } as Request;
      expect(await as("owner").refused(request)).toMatchObject({ code: "forbidden" });
    }
    expect(await as("stranger").refused(as("stranger").message({ conversation }, "me too"))).toMatchObject({
      code: "not_member",
    });
  });

  it("and changes nothing: no seq is taken", async () => {
    const { as, conversation } = await aGroup();
    await as("member").refused({ type: "group.rename", id: newId(), conversation, name: "mine" });
    expect((await as("member").say({ conversation }, "hello")).seq).toBe(4);
  });
});
