import { describe, expect, test } from "vitest";
import { type HistoryPage, memoryStore } from "../../src/client/index.js";
import { until } from "../../src/testing/until.js";
import { turns } from "./client-fake-clock.js";
import { FakeServer } from "./client-fake-server.js";
import { clientOf, online, texts } from "./client-setup.js";

const page = ({ entries, more }: HistoryPage) => [texts(entries).join(""), more];

/** Bob says A to J before alice's device is there. */
function talk(server: FakeServer): string {
  for (const text of "ABCDEFGHIJ") server.say("bob", { user: "alice" }, text);
  return [...server.groups.keys()][0] as string;
}

describe("history", () => {
  test("is read page by page from what this device has", async () => {
    const server = new FakeServer();
    const conversation = talk(server);
    const { client } = await online("alice", {}, server);
    expect(page(await client.history(conversation, { limit: 4 }))).toEqual(["GHIJ", true]);
    expect(page(await client.history(conversation, { limit: 4, before: 7 }))).toEqual(["CDEF", true]);
    expect(page(await client.history(conversation, { limit: 4, before: 3 }))).toEqual(["AB", false]);
    expect(page(await client.history(conversation, { limit: 4, after: 0 }))).toEqual(["ABCD", true]);
    expect(page(await client.history(conversation, { limit: 4, after: 8 }))).toEqual(["IJ", false]);
    expect(page(await client.history(conversation, { after: 3, before: 6 }))).toEqual(["DE", false]);
    expect(server.of("alice")[0]?.received.some(({ type }) => type === "pull")).toBe(false);
  });

  test("what this device lacks is pulled where it is kept, and is no news", async () => {
    const server = new FakeServer();
    server.faults.retention = "forever";
    const conversation = talk(server);
    server.faults.send = (frame) => (frame.type === "message" && frame.seq <= 7 ? 0 : 1);
    const { client, entries } = await online("alice", {}, server);
    expect(texts(entries).join("")).toBe("HIJ");
    expect(page(await client.history(conversation, { limit: 4 }))).toEqual(["GHIJ", true]);
    expect(page(await client.history(conversation, { limit: 4, before: 7 }))).toEqual(["CDEF", true]);
    const pulls = () => server.of("alice")[0]?.received.filter(({ type }) => type === "pull").length;
    expect(pulls()).toBe(2);
    // It is here now.
    expect(page(await client.history(conversation, { limit: 4, before: 7 }))).toEqual(["CDEF", true]);
    expect(pulls()).toBe(2);
    await turns();
    expect(texts(entries).join("")).toBe("HIJ");
  });

  test("a new device reads the past of its conversations", async () => {
    const server = new FakeServer();
    server.faults.retention = "forever";
    const conversation = talk(server);
    server.faults.send = ({ type }) => (type === "message" ? 0 : 1);
    const { client } = await online("alice", {}, server);
    expect(await client.conversations()).toMatchObject([{ conversation, user: "bob", head: 10, kind: "direct" }]);
    expect(page(await client.history(conversation))).toEqual(["ABCDEFGHIJ", false]);
  });

  test("where the server keeps none, what is here is all, and it isn't asked again", async () => {
    const server = new FakeServer();
    const conversation = talk(server);
    server.faults.send = (frame) => (frame.type === "message" && frame.seq <= 7 ? 0 : 1);
    const { client } = await online("alice", {}, server);
    expect(page(await client.history(conversation))).toEqual(["HIJ", false]);
    expect(page(await client.history(conversation))).toEqual(["HIJ", false]);
    expect(server.of("alice")[0]?.received.filter(({ type }) => type === "pull")).toHaveLength(1);
  });

  test("is there without a connection, also after a restart", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    const conversation = talk(server);
    const first = await online("alice", { store }, server);
    await first.client.close();
    const { client } = await online("alice", { store }, server);
    await client.close();
    const offline = clientOf(server, "alice", { store });
    expect(page(await offline.client.history(conversation, { limit: 3 }))).toEqual(["HIJ", true]);
    expect(offline.wire.sockets).toHaveLength(0);
    expect(offline.client.user).toBe("alice");
  });

  test("what was pulled ahead of the mailbox is told all the same when it comes", async () => {
    const server = new FakeServer();
    server.faults.retention = "forever";
    const { client, entries } = await online("alice", {}, server);
    server.faults.send = ({ type }) => (type === "message" ? 0 : 1);
    const conversation = talk(server);
    expect(page(await client.history(conversation))).toEqual(["ABCDEFGHIJ", false]);
    expect(entries).toEqual([]);
    server.faults.send = undefined;
    const [line] = server.of("alice");
    line?.send({ type: "pong", head: server.head("alice"), position: 0 });
    await until("all are told", () => entries.length === 10);
    expect(texts(entries).join("")).toBe("ABCDEFGHIJ");
  });
});

describe("a server that can't go on where the device was", () => {
  test("the device rebuilds its conversations and tells from where on to look", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    const conversation = talk(server);
    const first = await online("alice", { store }, server);
    await first.client.close();
    // Two more came and went while the device was away for too long.
    server.say("bob", { user: "alice" }, "K");
    server.say("bob", { user: "alice" }, "L");
    server.faults.gap = true;
    server.faults.send = (frame) => (frame.type === "message" ? 0 : 1);
    const { client, gaps, entries } = await online("alice", { store }, server);
    expect(gaps).toEqual([{ conversations: [{ conversation, after: 10, head: 12 }] }]);
    expect(entries).toEqual([]);
    // It goes on from there.
    server.faults.gap = false;
    server.faults.send = undefined;
    server.say("bob", { user: "alice" }, "M");
    await until("the next has come", () => entries.length === 1);
    expect(texts(entries)).toEqual(["M"]);
    expect(client.state).toBe("online");
  });

  test("a rebuild that was interrupted is done over", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    talk(server);
    const first = await online("alice", { store }, server);
    await first.client.close();
    server.faults.gap = true;
    let lists = 0;
    server.faults.receive = (frame, line) => {
      if (frame.type !== "conversations" || ++lists > 1) return false;
      line.close(1006);
      server.faults.gap = false;
      return true;
    };
    const { gaps } = await online("alice", { store }, server);
    expect(lists).toBe(2);
    expect(gaps).toEqual([{ conversations: [] }]);
  });

  test("a server that begins anew is not mistaken for the old one: all it says is told", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    const conversation = talk(server);
    const first = await online("alice", { store }, server);
    await first.client.close();
    server.wipe();
    server.faults.gap = true;
    server.say("bob", { user: "alice" }, "new A");
    server.say("bob", { user: "alice" }, "new B");
    const { client, entries } = await online("alice", { store }, server);
    expect(texts(entries)).toEqual(["new A", "new B"]);
    expect(page(await client.history(conversation))).toEqual(["new Anew B", false]);
    expect(await client.conversations()).toMatchObject([{ head: 2, unread: 2 }]);
  });

  test("a conversation that this user isn't in any more is marked as left", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    const bob = await online("bob", {}, server);
    const conversation = await bob.client.createGroup("crew", ["alice"]);
    const first = await online("alice", { store }, server);
    await first.client.close();
    await bob.client.removeMembers(conversation, ["alice"]);
    server.faults.gap = true;
    server.faults.send = (frame) => (frame.type === "change" ? 0 : 1);
    const { client } = await online("alice", { store }, server);
    expect(await client.conversations()).toMatchObject([{ conversation, left: true }]);
  });
});

test("what comes while a new device asks for its conversations stays, though the list was made before", async () => {
  const server = new FakeServer();
  const conversation = talk(server);
  server.faults.receive = (frame) => {
    if (frame.type !== "conversations") return false;
    const { ref } = frame;
    const listed = {
      conversation,
      kind: "direct",
      user: "bob",
      head: 10,
      timestamp: 1,
      delivered: 0,
      read: 0,
    } as const;
    server.say("bob", { user: "alice" }, "K");
    return [{ type: "conversation_list", ref, conversations: [listed], more: false }];
  };
  const { client, entries } = await online("alice", {}, server);
  expect(texts(entries).join("")).toBe("ABCDEFGHIJK");
  expect(page(await client.history(conversation))).toEqual(["ABCDEFGHIJK", false]);
});
