import { directConversation, newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { type House, openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";
import type { Ack, Request, WireClient } from "./support/wire-client.js";

type GroupRequest = Extract<Request, { type: `group.${string}` }>;
type Command = GroupRequest extends infer R ? (R extends { id: string } ? Omit<R, "id"> : never) : never;

/** Gives a group command that has to be accepted. */
function order(client: WireClient, command: Command): Promise<Ack> {
  return client.expect("ack", { ...command, id: newId() } as Request);
}

async function people(house: House, ...names: string[]): Promise<WireClient[]> {
  return Promise.all(names.map((name) => house.client(name)));
}

function kinds(client: WireClient): string[] {
  return client.frames.flatMap((frame) =>
    frame.type === "change" ? [frame.change.kind] : frame.type === "message" ? ["message"] : [],
  );
}

describe.each(STORES)("a group on $name", (store) => {
  it("is made by a command, tells its members, and carries their messages", async () => {
    const house = await openHouse({ store });
    const [alice, bob, carol] = (await people(house, "alice", "bob", "carol")) as [WireClient, WireClient, WireClient];
    const conversation = newId();
    const users = ["bob", "carol", "bob", "alice"];
    const ack = await order(alice, { type: "group.create", conversation, name: "trip", users });
    expect(ack).toMatchObject({ conversation, seq: 1 });
    expect(await bob.next("change")).toMatchObject({
      conversation,
      seq: 1,
      sender: "alice",
      change: { kind: "created", name: "trip", users: ["alice", "bob", "carol"] },
    });
    expect((await bob.say({ conversation }, "hello")).seq).toBe(2);
    await alice.gets("hello");
    await carol.gets("hello");
    expect(carol.all("message")[0]).not.toHaveProperty("to");

    const list = await carol.expect("member_list", { type: "group.members", conversation });
    expect(list).toMatchObject({ kind: "group", name: "trip", version: 1, head: 2 });
    expect(list.members).toEqual([
      { user: "alice", role: "owner", joined: 1 },
      { user: "bob", role: "member", joined: 1 },
      { user: "carol", role: "member", joined: 1 },
    ]);
  });

  it("tells old and new members of every change, which has its own seq", async () => {
    const house = await openHouse({ store });
    const [alice, bob, carol] = (await people(house, "alice", "bob", "carol")) as [WireClient, WireClient, WireClient];
    const { conversation } = await house.group("alice", ["bob"]);
    await order(alice, { type: "group.rename", conversation, name: "new name" });
    await order(alice, { type: "group.add", conversation, users: ["carol", "bob"] });
    await order(alice, { type: "group.role", conversation, user: "bob", role: "admin" });
    await order(bob, { type: "group.remove", conversation, users: ["carol"] });
    await alice.say({ conversation }, "after");
    await bob.gets("after");
    expect(bob.all("change").map(({ seq, change }) => [seq, change])).toEqual([
      [1, { kind: "created", name: "group", users: ["alice", "bob"] }],
      [2, { kind: "renamed", name: "new name" }],
      [3, { kind: "added", users: ["carol"] }],
      [4, { kind: "role", user: "bob", role: "admin" }],
    ]);
    // What bob did himself the acknowledgement told him.
    expect(alice.all("change").at(-1)?.change).toEqual({ kind: "removed", users: ["carol"] });
    await carol.caughtUp();
    expect(carol.all("change").map(({ seq }) => seq)).toEqual([3, 4, 5]);
  });

  it("tells whoever is removed of it, and of nothing after it", async () => {
    const house = await openHouse({ store });
    const [alice, bob, carol] = (await people(house, "alice", "bob", "carol")) as [WireClient, WireClient, WireClient];
    const { conversation } = await house.group("alice", ["bob", "carol"]);
    await order(alice, { type: "group.remove", conversation, users: ["bob"] });
    await alice.say({ conversation }, "without bob");
    await carol.gets("without bob");
    await bob.caughtUp();
    expect(kinds(bob)).toEqual(["created", "removed"]);
    expect(await bob.refused(bob.message({ conversation }, "still here?"))).toMatchObject({ code: "not_member" });
    expect(await bob.refused({ type: "group.members", conversation })).toMatchObject({ code: "not_found" });

    await order(alice, { type: "group.add", conversation, users: ["bob"] });
    await alice.say({ conversation }, "with bob");
    await bob.gets("with bob");
    expect(kinds(bob)).toEqual(["created", "removed", "added", "message"]);
  });

  it("goes on when members leave, and passes to the longest-standing admin, else member", async () => {
    const house = await openHouse({ store });
    const names = ["alice", "bob", "carol", "dora"];
    const [alice, bob, carol, dora] = (await people(house, ...names)) as [
      WireClient,
      WireClient,
      WireClient,
      WireClient,
    ];
    const { conversation } = await house.group("alice", ["bob", "carol"]);
    await order(alice, { type: "group.add", conversation, users: ["dora"] });
    await order(alice, { type: "group.role", conversation, user: "dora", role: "admin" });
    await order(alice, { type: "group.leave", conversation });
    await carol.next("change", ({ change }) => change.kind === "left");
    expect(carol.all("change").at(-1)?.change).toEqual({ kind: "left", owner: "dora" });
    await order(dora, { type: "group.leave", conversation });
    await order(carol, { type: "group.leave", conversation });
    await bob.next("change", ({ sender }) => sender === "carol");
    expect(bob.all("change").slice(-2)).toMatchObject([
      { sender: "dora", change: { kind: "left", owner: "bob" } },
      { sender: "carol", change: { kind: "left" } },
    ]);
    const { members } = await bob.expect("member_list", { type: "group.members", conversation });
    expect(members).toEqual([{ user: "bob", role: "owner", joined: 1 }]);
    await order(bob, { type: "group.leave", conversation });
    expect(await bob.refused(bob.message({ conversation }, "anyone?"))).toMatchObject({ code: "not_member" });
  });

  it("changes hands by its owner's word", async () => {
    const house = await openHouse({ store });
    const [alice, bob] = (await people(house, "alice", "bob")) as [WireClient, WireClient];
    const { conversation } = await house.group("alice", ["bob"]);
    await order(alice, { type: "group.role", conversation, user: "bob", role: "owner" });
    const { members } = await bob.expect("member_list", { type: "group.members", conversation });
    expect(members.map(({ user, role }) => `${user} ${role}`)).toEqual(["alice admin", "bob owner"]);
    const request = { type: "group.role", id: newId(), conversation, user: "bob", role: "member" } as const;
    expect(await alice.refused(request)).toMatchObject({ code: "forbidden" });
  });

  it("is as it was after a restart", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const { conversation } = await house.group("alice", ["bob"], "trip");
    await order(alice, { type: "group.role", conversation, user: "bob", role: "admin" });
    await order(alice, { type: "group.add", conversation, users: ["carol"] });
    await house.restart();
    const bob = await house.client("bob");
    expect(await bob.expect("member_list", { type: "group.members", conversation })).toMatchObject({
      name: "trip",
      version: 3,
      members: [
        { user: "alice", role: "owner", joined: 1 },
        { user: "bob", role: "admin", joined: 1 },
        { user: "carol", role: "member", joined: 3 },
      ],
    });
    expect(await order(bob, { type: "group.rename", conversation, name: "journey" })).toMatchObject({ seq: 4 });
  });
});

describe("the id of a group", () => {
  it("can't be that of a direct conversation, or people would write to the group what is for one of them", async () => {
    const house = await openHouse();
    const mallory = await house.client("mallory");
    const alice = await house.client("alice");
    const conversation = directConversation("alice", "bob");
    const users = ["alice", "bob"];
    const refused = await mallory.refused({ type: "group.create", id: newId(), conversation, name: "trap", users });
    expect(refused).toMatchObject({ code: "invalid", field: "conversation" });
    await expect(
      house.server.createGroup({ owner: "mallory", conversation, name: "trap", users }),
    ).rejects.toMatchObject({ code: "invalid", field: "conversation" });
    expect(await alice.say({ user: "bob" }, "between us")).toMatchObject({ seq: 1 });
    await mallory.caughtUp();
    expect(mallory.texts).toEqual([]);
  });

  it("is taken once and for all", async () => {
    const house = await openHouse();
    const [alice, bob] = (await people(house, "alice", "bob")) as [WireClient, WireClient];
    const { conversation } = await house.group("alice", []);
    const again = await bob.refused({
      type: "group.create",
      id: newId(),
      conversation,
      name: "mine",
      users: ["alice"],
    });
    expect(again).toMatchObject({ code: "already_exists", field: "conversation" });
    await alice.say({ conversation }, "still mine");
  });
});

describe("the number of members", () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `user ${i}`);

  it("is 99 at most, told with the limit", async () => {
    const house = await openHouse();
    const alice = await house.client("alice");
    const full = { code: "group_full", limit: 99 };
    const create = (users: string[]): Command => ({ type: "group.create", conversation: newId(), name: "big", users });
    expect(await alice.refused({ ...create(names(99)), id: newId() } as Request)).toMatchObject(full);
    const { conversation } = await order(alice, create(names(98)));
    expect(await alice.refused({ type: "group.add", id: newId(), conversation, users: ["one more"] })).toMatchObject(
      full,
    );
    // Those who are members already don't count twice, and whoever goes makes room.
    await order(alice, { type: "group.add", conversation, users: names(98) });
    await order(alice, { type: "group.remove", conversation, users: ["user 0"] });
    await order(alice, { type: "group.add", conversation, users: ["one more"] });
    const { members } = await alice.expect("member_list", { type: "group.members", conversation });
    expect(members).toHaveLength(99);
    await expect(house.server.createGroup({ owner: "bot", name: "big", users: names(99) })).rejects.toMatchObject(full);
  });
});
