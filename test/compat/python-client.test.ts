import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChatServer, createChatServer, developmentAuth } from "sentseen";
import { type ChatClient, type ChatMessage, createChatClient, type Status } from "sentseen/client/node";
import { memory } from "sentseen/memory";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../src/testing/until.js";
import { PythonClient } from "./python.js";

let server: ChatServer;
let url: string;
let directory: string;
let bob: ChatClient;
/** What bob's listeners were given. */
let heard: string[];
/** How far bob's own messages have got. */
let ticks: Map<string, Status>;
const pythons: PythonClient[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "sentseen-python-"));
  server = createChatServer({ ...memory(), authenticate: developmentAuth() });
  ({ url } = await server.listen({ port: 0 }));
  bob = createChatClient({ url, token: "bob" });
  heard = [];
  ticks = new Map();
  bob.on("status", ({ id, status }) => ticks.set(id, status));
  bob.on("message", (message: ChatMessage) => {
    if (!message.own) heard.push(message.text);
  });
  await bob.connect();
});

afterEach(async () => {
  await Promise.all(pythons.splice(0).map((python) => python.kill()));
  await bob.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

function python(user: string): PythonClient {
  const client = new PythonClient(url, user, join(directory, `${user}.json`));
  pythons.push(client);
  return client;
}

async function bobHears(...texts: string[]): Promise<void> {
  await until(`bob hears ${texts}`, () => heard.length >= texts.length, 20_000);
  expect(heard).toEqual(texts);
}

function texts(client: PythonClient): unknown[] {
  return client.shown.map(({ text }) => text);
}

test("Python and TypeScript talk, and each sees how far the other has got", async () => {
  const alice = python("alice");
  await alice.online();
  alice.tell({ send: { user: "bob", text: "grüße from Python 🐍" } });
  await bobHears("grüße from Python 🐍");
  const sent = await alice.event("one tick", ({ event }) => event === "sent");
  expect(sent).toMatchObject({ seq: 1 });
  const conversation = sent.conversation as string;
  await alice.event("two ticks", (mark) => mark.event === "watermark" && mark.user === "bob" && mark.delivered === 1);
  await bob.markRead(conversation);
  await alice.event("read", (mark) => mark.event === "watermark" && mark.read === 1);

  const reply = await bob.send({ conversation }, "and from TypeScript");
  const entry = await alice.event("the reply", ({ event }) => event === "entry");
  expect(entry).toMatchObject({ conversation, seq: 2, sender: "bob", text: "and from TypeScript" });
  await until("bob's second tick", () => ticks.get(reply.id) === "delivered", 20_000);
  alice.tell({ read: [conversation, 2] });
  await until("bob knows it was read", () => ticks.get(reply.id) === "read", 20_000);
});

test("a dropped connection loses nothing and repeats nothing", async () => {
  const alice = python("alice");
  await alice.online();
  for (let round = 1; round <= 3; round++) {
    const from = alice.events.length;
    alice.tell({ drop: 0.3 });
    await alice.event("the drop", ({ event }) => event === "offline", from);
    alice.tell({ send: { user: "bob", text: `written away ${round}` } });
    await bob.send({ user: "alice" }, `missed ${round}`);
    await alice.online(from);
    await alice.event("what it missed", ({ text }) => text === `missed ${round}`);
  }
  await bobHears("written away 1", "written away 2", "written away 3");
  expect(texts(alice)).toEqual(["missed 1", "missed 2", "missed 3"]);
  expect(alice.shown.map(({ seq }) => seq)).toEqual([...new Set(alice.shown.map(({ seq }) => seq))]);
});

test("a killed client goes on where its file says, with what it had not sent yet", async () => {
  const first = python("alice");
  await first.online();
  await bob.send({ user: "alice" }, "before");
  await first.event("a message", ({ text }) => text === "before");
  // What is queued just before the end may have been sent or not: it arrives once in either case.
  for (let i = 0; i < 20; i++) first.tell({ send: { user: "bob", text: `last words ${i}` } });
  await first.event(
    "all of it queued",
    ({ event }) => event === "queued" && first.events.filter((one) => one.event === "queued").length === 20,
  );
  await first.kill();
  await bob.send({ user: "alice" }, "meanwhile");

  const second = python("alice");
  await second.event("what came meanwhile", ({ text }) => text === "meanwhile");
  await bobHears(...Array.from({ length: 20 }, (_, i) => `last words ${i}`));
  expect(texts(second)).toEqual(["meanwhile"]);
});

test("a group made in TypeScript explains itself to Python", async () => {
  const alice = python("alice");
  await alice.online();
  const group = await bob.createGroup("crew", ["alice"]);
  await bob.send({ conversation: group }, "welcome");
  await alice.event("the message", ({ text }) => text === "welcome");
  expect(alice.shown).toMatchObject([
    { conversation: group, seq: 1, change: { kind: "created", name: "crew", users: ["bob", "alice"] } },
    { conversation: group, seq: 2, text: "welcome" },
  ]);
  alice.tell({ send: { conversation: group, text: "aye" } });
  await bobHears("aye");
});

test("a refusal is final where it says so, and others go on", async () => {
  const alice = python("alice");
  await alice.online();
  alice.tell({ send: { conversation: "019ab2c5-0102-7304-8506-0708090a0b0c", text: "to nobody" } });
  alice.tell({ send: { user: "bob", text: "to bob" } });
  await alice.event("the refusal", ({ event, code }) => event === "failed" && code === "not_found");
  await bobHears("to bob");
});
