import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type ChatClient, createChatClient, fileStore, memoryStore } from "../../src/client/node.js";
import { until } from "../../src/testing/until.js";
import { FakeServer } from "./client-fake-server.js";
import { Wire } from "./client-fake-socket.js";
import { listenTo, type Told, texts } from "./client-setup.js";
import { House, type HouseOptions } from "./support/house.js";
import type { Around } from "./support/intercept.js";
import { STORES } from "./support/stores.js";

// The client and the server as they are, over real sockets.

const clients: ChatClient[] = [];
const directories: string[] = [];
let house: House | undefined;

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await house?.close();
  house = undefined;
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

async function start(options: HouseOptions = {}): Promise<House> {
  house = await House.open(options);
  return house;
}

/** Dials the server that is there now: one that was restarted has another address. */
class Dialled extends WebSocket {
  constructor(_url: string, subProtocols: string[]) {
    super((house as House).url, subProtocols);
  }
}

/** Nobody dials through it: a client over the network has no fake wire. */
const noWire = new Wire(new FakeServer());

function client(user: string, store = memoryStore()): Told {
  const made = createChatClient({ url: "ws://server", token: user, store, random: () => 0.01, webSocket: Dialled });
  clients.push(made);
  return listenTo(made, noWire);
}

async function connected(user: string, store = memoryStore()): Promise<Told> {
  const told = client(user, store);
  await told.client.connect();
  return told;
}

async function directory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "sentseen-device-"));
  directories.push(made);
  return made;
}

describe.each(STORES)("on $name", (store) => {
  test("a message goes from sent over delivered to read", async () => {
    await start({ store });
    const [alice, bob] = [await connected("alice"), await connected("bob")];
    const { conversation, id } = await alice.client.send({ user: "bob" }, "hello");
    expect(await alice.client.settled(id)).toMatchObject({ seq: 1 });
    await until("bob has it", () => bob.entries.length === 1);
    await bob.client.markRead(conversation);
    await until("alice sees it read", () => alice.statuses.at(-1)?.status === "read");
    expect(texts(alice.entries)).toEqual(["hello"]);
    expect(texts(bob.entries)).toEqual(["hello"]);
  });

  test("both sides of a busy conversation see the same, in order, once", async () => {
    await start({ store });
    const [alice, bob] = [await connected("alice"), await connected("bob")];
    const each = 100;
    const sent = [];
    for (let i = 0; i < each; i++) {
      sent.push(alice.client.send({ user: "bob" }, `a${i}`), bob.client.send({ user: "alice" }, `b${i}`));
      if (i % 10 === 0) await Promise.all(sent);
    }
    await Promise.all(sent);
    await until("both have all", () => [alice, bob].every(({ entries }) => entries.length === 2 * each), 20_000);
    expect(texts(alice.entries)).toEqual(texts(bob.entries));
    expect(alice.entries.map(({ seq }) => seq)).toEqual(alice.entries.map((_, i) => i + 1));
    const own = texts(alice.entries).filter((text) => text.startsWith("a"));
    expect(own).toEqual(own.map((_, i) => `a${i}`));
  });

  test("a group's changes and messages reach all members in one order", async () => {
    await start({ store });
    const [alice, bob, carol] = [await connected("alice"), await connected("bob"), await connected("carol")];
    const conversation = await alice.client.createGroup("crew", ["bob"]);
    await alice.client.send({ conversation }, "before carol");
    await alice.client.addMembers(conversation, ["carol"]);
    await alice.client.renameGroup(conversation, "band");
    const { id } = await alice.client.send({ conversation }, "hello carol");
    await alice.client.settled(id);
    await until("bob has all", () => bob.entries.length === 5);
    await until("carol has what she may see", () => carol.entries.length === 3);
    expect(bob.entries.map((entry) => (entry.type === "message" ? entry.text : entry.change.kind))).toEqual([
      "created",
      "before carol",
      "added",
      "renamed",
      "hello carol",
    ]);
    expect(carol.entries.map(({ seq }) => seq)).toEqual([3, 4, 5]);
    expect((await carol.client.members(conversation)).map(({ user }) => user)).toEqual(["alice", "bob", "carol"]);
    await until("it was delivered to all", () =>
      alice.statuses.some(({ text, status }) => text === "hello carol" && status === "delivered"),
    );
  });

  test("a server that is restarted in the middle loses nothing and repeats nothing", async () => {
    const running = await start({ store });
    const [alice, bob] = [await connected("alice"), await connected("bob", fileStore(await directory()))];
    const sending = (async () => {
      for (let i = 0; i < 120; i++) {
        await alice.client.send({ user: "bob" }, String(i));
        if (i % 40 === 20) await until("some are on their way", () => bob.entries.length > i / 2, 20_000);
      }
    })();
    await until("the conversation goes on", () => bob.entries.length > 10);
    await running.restart();
    await sending;
    await until("bob has all", () => bob.entries.length === 120, 20_000);
    expect(texts(bob.entries)).toEqual(Array.from({ length: 120 }, (_, i) => String(i)));
  });

  test("who comes back and says something at once is told first what was said meanwhile", async () => {
    let release = (): void => {};
    const gate = { released: Promise.resolve() };
    const aroundStorage: Around = (method, _args, run) => (method === "mailbox" ? gate.released.then(run) : run());
    const running = await start({ store, aroundStorage });
    const kept = memoryStore();
    const [alice, bob] = [await connected("alice"), await connected("bob", kept)];
    const { conversation } = await alice.client.send({ user: "bob" }, "before");
    await until("bob has it", () => bob.entries.length === 1);
    await bob.client.close();
    for (const text of ["1", "2", "3"]) await alice.client.send({ user: "bob" }, text);
    await until("all is accepted", async () => (await alice.client.pending()).length === 0);
    await running.settled();
    await running.restart();

    // As for a connection that takes little at a time: what was missed is read when there is room for it.
    gate.released = new Promise((resolve) => {
      release = resolve;
    });
    const again = client("bob", kept);
    const { id } = await again.client.send({ conversation }, "4");
    const back = again.client.connect();
    expect(await again.client.settled(id)).toMatchObject({ seq: 5 });
    // An answer of the server: what the client asked when its message was acknowledged has been answered too.
    await again.client.history(conversation);
    release();
    await back;
    await until("all is told", () => again.entries.length === 4);
    expect(texts(again.entries)).toEqual(["1", "2", "3", "4"]);
  });
});

test("a device that comes back from its files goes on where it was", async () => {
  const running = await start();
  const place = await directory();
  const bob = await connected("bob", fileStore(place));
  const alice = await connected("alice");
  await alice.client.send({ user: "bob" }, "one");
  await until("bob has it", () => bob.entries.length === 1);
  await bob.client.close();
  for (const text of ["two", "three"]) await alice.client.send({ user: "bob" }, text);
  const { id } = await alice.client.send({ user: "bob" }, "four");
  await alice.client.settled(id);
  const again = await connected("bob", fileStore(place));
  expect(again.client.device).toBe(bob.client.device);
  expect(texts(again.entries)).toEqual(["two", "three", "four"]);
  expect(running.errors).toEqual([]);
});

test("a history that is kept is pulled by a new device", async () => {
  await start({ retention: "forever" });
  const alice = await connected("alice");
  const first = await connected("bob");
  for (let i = 0; i < 10; i++) await alice.client.send({ user: "bob" }, String(i));
  await until("bob has all", () => first.entries.length === 10);
  const second = await connected("bob");
  const [row] = await second.client.conversations();
  expect(row).toMatchObject({ head: 10, user: "alice" });
  const { entries, more } = await second.client.history(row?.conversation ?? "", { limit: 4 });
  expect(texts(entries)).toEqual(["6", "7", "8", "9"]);
  expect(more).toBe(true);
});

test("a second connection of the same device makes the first one stay away", async () => {
  await start();
  const device = { id: "01a210ee-ad33-7072-9e1b-a59000d5a207" };
  const make = () => {
    const made = createChatClient({ url: (house as House).url, token: "alice", device });
    clients.push(made);
    return listenTo(made, noWire);
  };
  const first = make();
  await first.client.connect();
  const second = make();
  await second.client.connect();
  await until("the first stays away", () => first.client.state === "idle");
  expect(first.reasons.at(-1)?.code).toBe("replaced");
  expect(second.client.state).toBe("online");
});
