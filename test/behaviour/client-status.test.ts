import { describe, expect, test } from "vitest";
import { type ChatMessage, directConversation, memoryStore, newId } from "../../src/client/index.js";
import type { ServerFrame } from "../../src/protocol/frames.js";
import { until } from "../../src/testing/until.js";
import { FakeClock, turns } from "./client-fake-clock.js";
import { FakeServer } from "./client-fake-server.js";
import { clientOf, online } from "./client-setup.js";

const steps = (statuses: readonly ChatMessage[]) => statuses.map(({ text, status }) => `${text} ${status}`);

describe("the status of a message", () => {
  test("goes from sent over delivered to read as its reader gets on", async () => {
    const server = new FakeServer();
    const alice = await online("alice", {}, server);
    const bob = await online("bob", {}, server);
    const { conversation } = await alice.client.send({ user: "bob" }, "hi");
    await until("it was delivered", () => alice.statuses.length === 2);
    await bob.client.markRead(conversation);
    await until("it was read", () => alice.statuses.length === 3);
    expect(steps(alice.statuses)).toEqual(["hi sent", "hi delivered", "hi read"]);
  });

  test("never goes back, in whatever order watermarks come", async () => {
    const { client, server, statuses } = await online("alice");
    const { conversation, id } = await client.send({ user: "bob" }, "hi");
    await client.settled(id);
    server.mark("bob", conversation, { delivered: 1, read: 1 });
    const [line] = server.of("alice");
    line?.send({ type: "receipt", watermarks: [{ conversation, user: "bob", delivered: 1, read: 0 }] });
    line?.send({ type: "receipt", watermarks: [{ conversation, user: "bob", delivered: 0, read: 0 }] });
    await turns();
    expect(steps(statuses)).toEqual(["hi sent", "hi read"]);
    const { entries } = await client.history(conversation);
    expect(entries).toMatchObject([{ status: "read" }]);
  });

  test("a watermark that covers several messages tells each of them, in order", async () => {
    const { client, server, statuses } = await online("alice");
    const sent = await Promise.all(["A", "B", "C"].map((text) => client.send({ user: "bob" }, text)));
    await Promise.all(sent.map(({ id }) => client.settled(id)));
    const conversation = sent[0]?.conversation as string;
    server.mark("bob", conversation, { delivered: 3, read: 2 });
    await until("all are told", () => statuses.length === 6);
    expect(steps(statuses).slice(3)).toEqual(["A read", "B read", "C delivered"]);
    server.mark("bob", conversation, { delivered: 3, read: 3 });
    await until("the last is told", () => statuses.length === 7);
    expect(steps(statuses).at(-1)).toBe("C read");
  });

  test("what happened while the sender was away is asked for on return", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    const first = await online("alice", { store }, server);
    const { conversation, id } = await first.client.send({ user: "bob" }, "hi");
    await first.client.settled(id);
    await first.client.close();
    server.mark("bob", conversation, { delivered: 1, read: 1 });
    const { statuses, client } = await online("alice", { store }, server);
    await until("it is told", () => statuses.length === 1);
    expect(steps(statuses)).toEqual(["hi read"]);
    const again = server.of("alice")[0]?.received.filter(({ type }) => type === "receipts");
    expect(again).toHaveLength(1);
    await client.close();
    // Nothing is left to ask for.
    await online("alice", { store }, server);
    await turns();
    expect(server.of("alice")[0]?.received.filter(({ type }) => type === "receipts")).toEqual([]);
  });

  test("receipts that the server left out are asked for when it says so", async () => {
    const { client, server, statuses } = await online("alice");
    const { conversation, id } = await client.send({ user: "bob" }, "hi");
    await client.settled(id);
    server.faults.send = ({ type }) => (type === "receipt" ? 0 : 1);
    server.mark("bob", conversation, { delivered: 1, read: 0 });
    server.of("alice")[0]?.send({ type: "stale" });
    await until("it is told", () => statuses.length === 2);
    expect(steps(statuses)).toEqual(["hi sent", "hi delivered"]);
  });

  test("in a group it takes every other member that may see the message", async () => {
    const { client, server, statuses } = await online("alice");
    const conversation = await client.createGroup("crew", ["bob", "carol"]);
    const first = await client.send({ conversation }, "first");
    await client.settled(first.id);
    server.mark("bob", conversation, { delivered: 2, read: 2 });
    await turns();
    expect(steps(statuses)).toEqual(["first sent"]);
    // Dave comes later, and can't see it: nobody waits for him.
    await client.addMembers(conversation, ["dave"]);
    server.mark("carol", conversation, { delivered: 2, read: 0 });
    await until("it is told", () => statuses.length === 2);
    expect(steps(statuses)).toEqual(["first sent", "first delivered"]);
    const second = await client.send({ conversation }, "second");
    await client.settled(second.id);
    for (const user of ["bob", "carol"]) server.mark(user, conversation, { delivered: 4, read: 4 });
    await until("the first is read", () => steps(statuses).includes("first read"));
    expect(steps(statuses)).not.toContain("second delivered");
    // Whoever leaves isn't waited for any more.
    await client.removeMembers(conversation, ["dave"]);
    await until("the second is read", () => steps(statuses).includes("second read"));
  });

  test("in a group whose members this device has not seen, it asks who they are", async () => {
    const server = new FakeServer();
    const bob = await online("bob", {}, server);
    const conversation = await bob.client.createGroup("crew", ["carol"]);
    await bob.client.addMembers(conversation, ["alice"]);
    const alice = await online("alice", {}, server);
    await until("alice knows of the group", () => alice.entries.length === 1);
    const { id } = await alice.client.send({ conversation }, "hello all");
    await alice.client.settled(id);
    server.mark("carol", conversation, { delivered: 3, read: 0 });
    await until("it was delivered", () => steps(alice.statuses).includes("hello all delivered"));
  });

  test("in a group that changes while it asks who its members are, it asks again", async () => {
    const server = new FakeServer();
    const bob = await online("bob", {}, server);
    const conversation = await bob.client.createGroup("crew", ["carol"]);
    await bob.client.addMembers(conversation, ["alice"]);
    const alice = await online("alice", {}, server);
    await until("alice knows of the group", () => alice.entries.length === 1);
    let late: ServerFrame | undefined;
    server.faults.send = (frame) => {
      if (frame.type !== "member_list" || late !== undefined) return 1;
      late = frame;
      return 0;
    };
    const { id } = await alice.client.send({ conversation }, "hello all");
    await alice.client.settled(id);
    await until("she has asked", () => late !== undefined);
    await bob.client.renameGroup(conversation, "band");
    await until("she knows the new name", () => alice.entries.length === 3);
    for (const line of server.of("alice")) line.send(late as ServerFrame);
    server.mark("carol", conversation, { delivered: 3, read: 0 });
    await until("it was delivered", () => steps(alice.statuses).includes("hello all delivered"));
    expect(await alice.client.conversations()).toMatchObject([{ name: "band" }]);
  });

  test("a message to oneself is sent, and no more", async () => {
    const { client, statuses } = await online("alice");
    const { id, conversation } = await client.send({ user: "alice" }, "note");
    expect(await client.settled(id)).toMatchObject({ status: "sent" });
    await client.markRead(conversation);
    await turns();
    expect(steps(statuses)).toEqual(["note sent"]);
    expect(await client.members(conversation)).toMatchObject([{ user: "alice" }]);
  });
});

describe("receipts of this device", () => {
  test("one that the server doesn't show is sent again, until it does", async () => {
    const server = new FakeServer();
    const clock = new FakeClock();
    let received = 0;
    server.faults.receive = (frame) => frame.type === "receipt" && ++received <= 2;
    const { client } = clientOf(server, "alice", { clock });
    const connected = client.connect();
    await clock.pass(100);
    await connected;
    const { conversation } = server.say("bob", { user: "alice" }, "A");
    await clock.pass(100);
    expect(server.groups.get(conversation)?.marks.get("alice")).toBeUndefined();
    received = 2;
    await clock.pass(16_000);
    expect(server.groups.get(conversation)?.marks.get("alice")).toEqual({ delivered: 1, read: 0 });
    const sent = received;
    expect(sent).toBeGreaterThan(2);
    await clock.pass(120_000);
    expect(received).toBe(sent);
  });

  test("one message is told of at once, a stream of them ever more rarely, and at once again after it", async () => {
    const server = new FakeServer();
    const clock = new FakeClock();
    const { client } = clientOf(server, "alice", { clock });
    const connected = client.connect();
    await clock.pass(100);
    await connected;
    await clock.pass(1_000);
    const told = () => server.of("alice")[0]?.received.filter(({ type }) => type === "receipt").length ?? 0;
    const tellings: number[] = [];
    const begun = clock.now();
    for (let before = told(); clock.now() - begun < 2_000; ) {
      server.say("bob", { user: "alice" }, "and");
      await turns(2);
      await clock.pass(10);
      if (told() > before) tellings.push(clock.now() - begun);
      before = told();
    }
    expect(tellings).toEqual([10, 50, 150, 350, 750, 1_150, 1_550, 1_950]);
    await clock.pass(1_000);
    const before = told();
    const { conversation } = server.say("bob", { user: "alice" }, "the last one");
    await turns(2);
    await clock.pass(1);
    expect(told()).toBe(before + 1);
    expect(server.groups.get(conversation)?.marks.get("alice")?.delivered).toBe(server.groups.get(conversation)?.head);
  });

  test("what was only sent is told after a while, or with what is waited for", async () => {
    const server = new FakeServer();
    const clock = new FakeClock();
    const { client } = clientOf(server, "alice", { clock });
    const connected = client.connect();
    await clock.pass(100);
    await connected;
    await clock.pass(1_000);
    const told = () => server.of("alice")[0]?.received.filter(({ type }) => type === "receipt").length;
    const before = told() ?? 0;
    await client.send({ user: "bob" }, "hi");
    await turns();
    await clock.pass(400);
    expect(told()).toBe(before);
    await clock.pass(200);
    expect(told()).toBe(before + 1);
    await clock.pass(10_000);
    await client.send({ user: "bob" }, "are you there?");
    await turns();
    server.say("bob", { user: "alice" }, "yes");
    await turns();
    await clock.pass(1);
    expect(told()).toBe(before + 2);
    await clock.pass(10_000);
    expect(told()).toBe(before + 2);
  });

  test("reading is kept over a lost connection and told on return", async () => {
    const server = new FakeServer();
    const { client, entries, wire } = await online("alice", {}, server);
    const { conversation } = server.say("bob", { user: "alice" }, "A");
    await until("it has come", () => entries.length === 1);
    wire.unreachable = true;
    wire.last.cut();
    await client.markRead(conversation);
    expect(server.groups.get(conversation)?.marks.get("alice")?.read ?? 0).toBe(0);
    wire.unreachable = false;
    await until("bob may see it", () => server.groups.get(conversation)?.marks.get("alice")?.read === 1);
  });

  test("unread counts what others said and this user hasn't read, and never what is silent or own", async () => {
    const server = new FakeServer();
    const { client, entries } = await online("alice", {}, server);
    const unread = async () => (await client.conversations())[0]?.unread;
    const { conversation } = server.say("bob", { user: "alice" }, "1");
    server.say("bob", { user: "alice" }, "2");
    await client.send({ user: "bob" }, "mine");
    const silent = await online("bob", {}, server);
    const { id } = await silent.client.send({ user: "alice" }, "psst", { silent: true });
    await silent.client.settled(id);
    await until("all have come", () => entries.length === 4);
    expect(await unread()).toBe(2);
    await client.markRead(conversation, 1);
    expect(await unread()).toBe(1);
    // Reading never goes back.
    await client.markRead(conversation, 0);
    expect(await unread()).toBe(1);
    await client.markRead(conversation);
    expect(await unread()).toBe(0);
    await client.markRead(conversation, 1_000);
    expect((await client.conversations())[0]).toMatchObject({ read: 4, unread: 0, head: 4 });
  });

  test("what this user read on another device counts as read here", async () => {
    const server = new FakeServer();
    const phone = await online("alice", {}, server);
    const { conversation } = server.say("bob", { user: "alice" }, "1");
    server.say("bob", { user: "alice" }, "2");
    await until("both have come", () => phone.entries.length === 2);
    server.of("alice")[0]?.send({
      type: "receipt",
      watermarks: [{ conversation, user: "alice", delivered: 2, read: 1 }],
    });
    await until("one is read", async () => (await phone.client.conversations())[0]?.unread === 1);
    expect(await phone.client.history(conversation)).toMatchObject({
      entries: [{ status: "read" }, { status: "delivered" }],
    });
  });

  test("a conversation that doesn't exist can't be read", async () => {
    const { client } = await online("alice");
    await expect(client.markRead("55d468a1-e579-52e3-b9fc-3a160bea4d5e")).rejects.toMatchObject({ code: "not_found" });
  });
});

test("a status never falls back, though the receipt comes before the acknowledgement", async () => {
  const { client, server, statuses } = await online("alice");
  const conversation = directConversation("alice", "bob");
  server.faults.receive = (frame) => {
    if (frame.type !== "send") return false;
    const { id, ref } = frame;
    const later = {
      conversation,
      seq: 2,
      id: newId(),
      sender: "alice",
      sender_device: newId(),
      timestamp: 2,
      to: "bob",
    };
    return [
      { type: "message", ...later, content_type: "text", content: new Uint8Array(), position: 2_000_000 },
      { type: "receipt", watermarks: [{ conversation, user: "bob", delivered: 2, read: 0 }] },
      { type: "ack", ref, id, conversation, seq: 1, timestamp: 1 },
    ];
  };
  const { id } = await client.send({ user: "bob" }, "hi");
  await client.settled(id);
  const told = statuses.filter((message) => message.id === id).map(({ status }) => status);
  expect([...new Set(told)]).toEqual(["delivered"]);
});

test("a status goes step by step, though the store takes receipts in one step with the acknowledgement", async () => {
  const inner = memoryStore();
  const write = async (step: Parameters<typeof inner.write>[0]) => {
    // So slow that all that the server says at once waits for the first of it.
    await turns(2);
    await inner.write(step);
  };
  const { client, server, statuses } = await online("alice", { store: { ...inner, write } });
  const conversation = directConversation("alice", "bob");
  server.faults.receive = (frame) => {
    if (frame.type !== "send") return false;
    const { id, ref } = frame;
    server.say("carol", { user: "alice" }, "first");
    return [
      { type: "ack", ref, id, conversation, seq: 1, timestamp: 1 },
      { type: "receipt", watermarks: [{ conversation, user: "bob", delivered: 1, read: 0 }] },
      { type: "receipt", watermarks: [{ conversation, user: "bob", delivered: 1, read: 1 }] },
    ];
  };
  await client.send({ user: "bob" }, "hi");
  await until("all is told", () => statuses.length === 3);
  expect(statuses.map(({ status }) => status)).toEqual(["sent", "delivered", "read"]);
});
