import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/client/index.js";
import { until } from "../../src/testing/until.js";
import { FakeServer } from "./client-fake-server.js";
import { online } from "./client-setup.js";

describe("groups", () => {
  test("changes are told to whom they concern, in order, the own ones too", async () => {
    const server = new FakeServer();
    const alice = await online("alice", {}, server);
    const bob = await online("bob", {}, server);
    const conversation = await alice.client.createGroup("crew", ["bob"]);
    await alice.client.renameGroup(conversation, "band");
    await alice.client.addMembers(conversation, ["carol", "bob"]);
    await alice.client.setRole(conversation, "bob", "admin");
    await alice.client.removeMembers(conversation, ["carol"]);
    await bob.client.leaveGroup(conversation);
    const told = [
      { kind: "created", name: "crew", users: ["alice", "bob"] },
      { kind: "renamed", name: "band" },
      { kind: "added" },
      { kind: "role", user: "bob", role: "admin" },
      { kind: "removed", users: ["carol"] },
      { kind: "left" },
    ];
    for (const { entries } of [alice, bob]) {
      await until("all are told", () => entries.length === 6);
      expect(entries.map((entry) => entry.type === "change" && entry.change)).toMatchObject(told);
      expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    }
    expect(await alice.client.members(conversation)).toEqual([{ user: "alice", role: "owner", joined: 1 }]);
    expect((await bob.client.conversations())[0]).toMatchObject({ name: "band", left: true });
  });

  test("a group can be written to before its making is acknowledged", async () => {
    const server = new FakeServer();
    const { client, wire } = await online("alice", {}, server);
    wire.unreachable = true;
    wire.last.cut();
    const made = client.createGroup("crew", ["bob"]);
    await until("it waits", async () => wire.sockets.length > 1);
    wire.unreachable = false;
    const conversation = await made;
    const { id } = await client.send({ conversation }, "hello");
    expect(await client.settled(id)).toMatchObject({ seq: 2, status: "sent" });
  });

  test("a refused change rejects with the reason", async () => {
    const { client } = await online("alice");
    const conversation = "01a210ee-ad33-7072-9e1b-a59000d5a207";
    await expect(client.renameGroup(conversation, "x")).rejects.toMatchObject({ code: "not_found" });
    await expect(client.createGroup("", ["bob"])).rejects.toMatchObject({ code: "invalid", field: "name" });
    expect(await client.conversations()).toEqual([]);
  });

  test("a change that is refused after a restart is told as an error", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    const first = await online("alice", { store }, server);
    first.wire.unreachable = true;
    first.wire.last.cut();
    const waiting = first.client.renameGroup("01a210ee-ad33-7072-9e1b-a59000d5a207", "x").catch(({ code }) => code);
    await until("it is queued", () => first.wire.sockets.length > 1);
    await first.client.close();
    expect(await waiting).toBe("closed");
    const { errors } = await online("alice", { store }, server);
    await until("it is told", () => errors.length === 1);
    expect(errors[0]?.code).toBe("not_found");
  });

  test("members that aren't known are asked for, once for many who ask", async () => {
    const server = new FakeServer();
    const bob = await online("bob", {}, server);
    const conversation = await bob.client.createGroup("crew", ["carol"]);
    await bob.client.addMembers(conversation, ["alice"]);
    const { client, entries } = await online("alice", {}, server);
    await until("the change has come", () => entries.length === 1);
    const [one, other] = await Promise.all([client.members(conversation), client.members(conversation)]);
    expect(one.map(({ user, role }) => [user, role])).toEqual([
      ["bob", "owner"],
      ["carol", "member"],
      ["alice", "member"],
    ]);
    expect(other).toEqual(one);
    expect(server.of("alice")[0]?.received.filter(({ type }) => type === "group.members")).toHaveLength(1);
    // From now on changes keep them true.
    await bob.client.removeMembers(conversation, ["carol"]);
    await until("the change has come", () => entries.length === 2);
    expect((await client.members(conversation)).map(({ user }) => user)).toEqual(["bob", "alice"]);
    expect(server.of("alice")[0]?.received.filter(({ type }) => type === "group.members")).toHaveLength(1);
  });

  test("members of a group that one isn't in are refused", async () => {
    const server = new FakeServer();
    const bob = await online("bob", {}, server);
    const conversation = await bob.client.createGroup("crew", ["carol"]);
    const { client } = await online("alice", {}, server);
    await expect(client.members(conversation)).rejects.toMatchObject({ code: "not_found" });
  });
});

test("who comes back to a group learns who is in it now, and who read what was sent before", async () => {
  const server = new FakeServer();
  const alice = await online("alice", {}, server);
  const bob = await online("bob", {}, server);
  await online("carol", {}, server);
  const conversation = await alice.client.createGroup("crew", ["bob", "carol"]);
  const { id } = await bob.client.send({ conversation }, "hi");
  await bob.client.settled(id);
  await bob.client.leaveGroup(conversation);
  await alice.client.removeMembers(conversation, ["carol"]);
  await alice.client.renameGroup(conversation, "band");
  await alice.client.markRead(conversation);
  await alice.client.addMembers(conversation, ["bob"]);
  await until("the message was read", () =>
    bob.statuses.some((message) => message.id === id && message.status === "read"),
  );
  const members = (await bob.client.members(conversation)).map(({ user }) => user);
  expect(members.sort()).toEqual(["alice", "bob"]);
  expect((await bob.client.conversations())[0]).toMatchObject({ name: "band", left: false });
});
