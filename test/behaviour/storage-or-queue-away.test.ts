import { ChatError } from "sentseen";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type ChatClient, createChatClient } from "../../src/client/node.js";
import type { Write } from "../../src/ports/storage.js";
import { until } from "../../src/testing/until.js";
import { texts } from "./client-setup.js";
import { type House, openHouse } from "./support/house.js";
import type { Around } from "./support/intercept.js";
import { CLUSTERED_WAITING_FOR_STORAGE, DURABLE_LOG, STORES, WAITING_FOR_STORAGE } from "./support/stores.js";

const away = () => Promise.reject(new ChatError("store_unavailable", "It is away."));

/** Something whose calls can be held up, or refused, for a while. */
function outage() {
  let state: "there" | "frozen" | "away" = "there";
  let held: (() => void)[] = [];
  const around: Around = (method, _args, run) => {
    if (method === "open" || method === "close" || state === "there") return run();
    if (state === "away") return away();
    return new Promise<void>((resolve) => held.push(resolve)).then(run);
  };
  return {
    around,
    begin: (how: "frozen" | "away") => {
      state = how;
    },
    end: () => {
      state = "there";
      for (const resolve of held) resolve();
      held = [];
    },
    get held() {
      return held.length;
    },
  };
}

const clients: ChatClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

function sdk(house: House, token: string) {
  const client = createChatClient({ url: house.url, token, random: () => 0.01, webSocket: WebSocket });
  clients.push(client);
  const got: Parameters<typeof texts>[0][number][] = [];
  client.on("message", (message) => got.push(message));
  return { client, got };
}

describe("while storage answers nothing", () => {
  it("a durable log lets everybody chat on, and what was said is written when storage is back", async () => {
    const storage = outage();
    const house = await openHouse({ store: DURABLE_LOG, aroundStorage: storage.around });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    await alice.say({ user: "bob" }, "before");
    storage.begin("frozen");
    for (let i = 0; i < 20; i++) await alice.say({ user: "bob" }, String(i));
    await bob.gets("19");
    await until("a write is held up", () => storage.held > 0);
    expect(house.server.stats().checkpoint).toBeLessThan(house.server.stats().applied);
    storage.end();
    await house.settled();
    await house.restart();
    const again = await house.client({ user: "bob", device: bob.device, position: 0 });
    expect(again.texts).toEqual(["before", ...Array.from({ length: 20 }, (_, i) => String(i))]);
    expect(house.errors).toEqual([]);
  });

  it("a log that may forget acknowledges nothing and shows nothing, and all of it when storage is back", async () => {
    const storage = outage();
    const house = await openHouse({ store: WAITING_FOR_STORAGE, aroundStorage: storage.around });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    await alice.say({ user: "bob" }, "before");
    await bob.gets("before");
    storage.begin("frozen");
    const refs = Array.from({ length: 20 }, (_, i) => alice.start(alice.message({ user: "bob" }, String(i))));
    await until("a write is held up", () => storage.held > 0);
    await bob.caughtUp();
    expect(alice.all("ack")).toHaveLength(1);
    expect(bob.texts).toEqual(["before"]);
    storage.end();
    for (const ref of refs) expect(await alice.answer(ref)).toMatchObject({ type: "ack" });
    await bob.gets("19");
    expect(bob.texts).toEqual(["before", ...refs.map((_, i) => String(i))]);
  });

  it("who connects waits, and gets in when storage is back", async () => {
    const storage = outage();
    const house = await openHouse({ aroundStorage: storage.around });
    storage.begin("frozen");
    const alice = await house.socket();
    alice.hello({ user: "alice" });
    await until("a read is held up", () => storage.held > 0);
    expect(alice.frames).toEqual([]);
    storage.end();
    await alice.next("synced");
  });

  it.each([
    { store: WAITING_FOR_STORAGE, stored: "mailbox" },
    { store: CLUSTERED_WAITING_FOR_STORAGE, stored: "history" },
  ])(
    "$store.name: what came while something else was written is shown to nobody before it is stored itself",
    async ({ store, stored }) => {
      const held: (() => void)[] = [];
      let holding = false;
      const house = await openHouse({
        store,
        aroundStorage: (method, [writes], run) => {
          if (method !== "write" || !holding || !(writes as Write[]).some(({ kind }) => kind === stored)) return run();
          return new Promise<void>((resolve) => held.push(resolve)).then(run);
        },
      });
      const alice = await house.client("alice");
      const bob = await house.client("bob");
      await alice.say({ user: "bob" }, "before");
      holding = true;
      const first = alice.start(alice.message({ user: "bob" }, "first"));
      await until("the first is being written", () => held.length === 1);
      const { applied } = house.server.stats();
      const second = alice.start(alice.message({ user: "bob" }, "second"));
      await until("the second is applied", () => house.server.stats().applied > applied);
      held.shift()?.();
      await alice.answer(first);
      await until("the second is being written", () => held.length === 1);
      const before = bob.frames.length;
      bob.send({ type: "ping" });
      await bob.next("pong", () => true, before);
      expect(bob.texts).toEqual(["before", "first"]);
      holding = false;
      held.shift()?.();
      expect(await alice.answer(second)).toMatchObject({ type: "ack", seq: 3 });
      await bob.gets("second");
    },
  );
});

describe.each(STORES)("on $name, while storage refuses everything", (store) => {
  it("the host is told, and everything goes on by itself when storage is back", async () => {
    const storage = outage();
    const house = await openHouse({ store, aroundStorage: storage.around });
    const alice = sdk(house, "alice");
    const bob = sdk(house, "bob");
    await Promise.all([alice.client.connect(), bob.client.connect()]);
    const { id: first } = await alice.client.send({ user: "bob" }, "before");
    await alice.client.settled(first);
    storage.begin("away");
    for (let i = 0; i < 20; i++) await alice.client.send({ user: "bob" }, String(i));
    const carol = sdk(house, "carol");
    const connecting = carol.client.connect();
    await until("the host to be told", () => house.errors.length > 1);
    storage.end();
    await connecting;
    await carol.client.send({ user: "bob" }, "from one who wasn't there");
    await until("bob has all", () => bob.got.length === 22, 20_000);
    expect(texts(bob.got.filter(({ sender }) => sender === "alice"))).toEqual([
      "before",
      ...Array.from({ length: 20 }, (_, i) => String(i)),
    ]);
    await house.settled();
    for (const error of house.errors) expect(error).toMatchObject({ code: "store_unavailable" });
  });
});

describe("a request that storage refuses", () => {
  it("is answered store_unavailable, and answered well when it is made again", async () => {
    const storage = outage();
    const house = await openHouse({ retention: "forever", aroundStorage: storage.around });
    const alice = await house.client("alice");
    const { conversation } = await alice.say({ user: "bob" }, "hello");
    await house.settled();
    storage.begin("away");
    for (const request of [{ type: "pull", conversation } as const, { type: "conversations" } as const]) {
      expect(await alice.refused(request)).toMatchObject({ code: "store_unavailable" });
    }
    storage.end();
    expect(await alice.expect("batch", { type: "pull", conversation })).toMatchObject({ entries: [{ seq: 1 }] });
    expect(await alice.expect("conversation_list", { type: "conversations" })).toMatchObject({
      conversations: [{ conversation }],
    });
  });
});

describe("a queue that refuses a message", () => {
  it("ends the connection with 4414, so that nothing overtakes it, and nobody else's", async () => {
    const queue = outage();
    const house = await openHouse({ aroundQueue: queue.around });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    queue.begin("away");
    const request = alice.message({ user: "bob" }, "first");
    const answer = await alice.refused(request);
    queue.end();
    expect(answer).toMatchObject({ code: "store_unavailable", id: "id" in request ? request.id : "" });
    expect(await alice.closed()).toBe(4414);
    await bob.say({ user: "alice" }, "still here");
    expect(house.errors).toEqual([expect.objectContaining({ code: "store_unavailable" })]);
  });

  // A publish that is refused may have been stored nevertheless.
  it.each([
    ["stores nothing of it", () => away()],
    ["has stored it", (run: () => unknown) => Promise.resolve(run()).then(away)],
  ])(
    "again and again, and %s, loses no message of the SDK's, repeats none and keeps their order",
    async (_, refuse) => {
      let published = 0;
      const house = await openHouse({
        aroundQueue: (method, _args, run) => {
          if (method !== "publish") return run();
          published++;
          return published % 3 === 0 ? refuse(run) : run();
        },
      });
      const bob = await house.client("bob");
      const alice = sdk(house, "alice");
      await alice.client.connect();
      const sent = Array.from({ length: 40 }, (_, i) => String(i));
      for (const text of sent) {
        const { id } = await alice.client.send({ user: "bob" }, text);
        if (Number(text) % 4 === 0) expect(await alice.client.settled(id)).toMatchObject({ status: "sent" });
      }
      await bob.gets(...sent);
      expect(bob.texts).toEqual(sent);
      expect(house.errors.length).toBeGreaterThan(2);
    },
  );
});
