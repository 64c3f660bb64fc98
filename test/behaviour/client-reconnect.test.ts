import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryStore } from "../../src/client/index.js";
import { MSGPACK, serverCodec } from "../../src/protocol/codec.js";
import { FakeClock, turns } from "./client-fake-clock.js";
import { FakeServer } from "./client-fake-server.js";
import { clientOf, online, texts } from "./client-setup.js";

const half = () => 0.5;

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A client that is online, with a clock that stands still. */
async function still(options: Parameters<typeof clientOf>[2] = {}, server = new FakeServer()) {
  const clock = new FakeClock();
  const told = clientOf(server, "alice", { clock, random: half, ...options });
  const connected = told.client.connect();
  // A test that expects it to be rejected looks at it later.
  connected.catch(() => {});
  await turns();
  return { ...told, clock, server, connected };
}

describe("coming back", () => {
  test("attempts are further and further apart, up to half a minute, any time up to the bound", async () => {
    const server = new FakeServer();
    const { clock, wire, client } = await still({}, server);
    wire.unreachable = true;
    wire.last.cut();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      await turns();
      expect(client.state).toBe("waiting");
      const [delay] = clock.delays as [number];
      waits.push(delay);
      await clock.pass(delay);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  test("only a welcome makes attempts quick again", async () => {
    const { clock, wire, server, client } = await still();
    server.admit = () => 4413;
    wire.last.cut();
    for (let attempt = 0; attempt < 4; attempt++) await clock.pass(clock.delays[0] as number);
    expect(clock.delays[0]).toBe(4_000);
    server.admit = () => null;
    await clock.pass(4_000);
    expect(client.state).toBe("online");
    wire.last.cut();
    await turns();
    expect(clock.delays[0]).toBe(250);
  });

  test("what the server asks to be waited is waited, neither less nor more", async () => {
    const { clock, wire, server, client } = await still();
    const [line] = server.of("alice");
    line?.send({ type: "goaway", code: "draining", retry_after: 7_000 });
    line?.close(4412);
    await turns();
    expect(client.state).toBe("waiting");
    expect(clock.delays).toEqual([7_000]);
    await clock.pass(7_000);
    expect(client.state).toBe("online");
    expect(wire.sockets).toHaveLength(2);
  });

  test("nothing new is given to a server that is going away", async () => {
    const { client, server, wire, clock } = await still();
    const [line] = server.of("alice");
    line?.send({ type: "goaway", code: "draining", retry_after: 100 });
    await turns();
    const { conversation } = await client.send({ user: "bob" }, "after goaway");
    await turns();
    expect(server.entries(conversation)).toHaveLength(0);
    line?.close(4412);
    await turns();
    await clock.pass(100);
    expect(server.entries(conversation)).toHaveLength(1);
    expect(wire.sockets).toHaveLength(2);
  });

  test.each([
    [4501, "replaced"],
    [4502, "disconnected"],
    [4777, "refused"],
  ])("close code %i means to stay away: connect rejects, the state says why, nothing is tried", async (code, error) => {
    const server = new FakeServer();
    server.admit = () => code;
    const { client, connected, states, reasons, clock, wire } = await still({}, server);
    await expect(connected).rejects.toMatchObject({ code: error });
    expect(states.at(-1)).toBe("idle");
    expect(reasons.at(-1)?.code).toBe(error);
    expect(clock.waiting).toBe(0);
    await clock.pass(3_600_000);
    expect(wire.sockets).toHaveLength(1);
    // Being told otherwise, it connects.
    server.admit = () => null;
    const again = client.connect();
    await turns();
    await again;
    expect(client.state).toBe("online");
  });

  test("a refused token is asked for again, after a while", async () => {
    const server = new FakeServer();
    server.admit = (token) => (token === "alice 3" ? null : 4401);
    let asked = 0;
    const { client, clock } = await still({ token: () => `alice ${++asked}` }, server);
    expect(asked).toBe(1);
    expect(clock.delays[0]).toBeGreaterThanOrEqual(1_000);
    await clock.pass(999);
    expect(asked).toBe(1);
    for (let attempt = 0; attempt < 2; attempt++) await clock.pass(clock.delays[0] as number);
    expect(asked).toBe(3);
    expect(client.state).toBe("online");
  });

  test("a token function that fails, or never answers, is asked again", async () => {
    const server = new FakeServer();
    const answers = [
      () => Promise.reject(new Error("no network")),
      () => new Promise<string>(() => {}),
      () => Promise.resolve("alice"),
    ];
    let asked = 0;
    const token = () => (answers[asked++] as () => Promise<string>)();
    const { client, clock, reasons } = await still({ token }, server);
    expect(client.state).toBe("waiting");
    expect(reasons.at(-1)).toMatchObject({ code: "token_refused" });
    await clock.pass(clock.delays[0] as number);
    expect(client.state).toBe("connecting");
    await clock.pass(30_000);
    await clock.pass(clock.delays[0] as number);
    expect(client.state).toBe("online");
  });

  test("a token that runs out is refreshed on the open connection, in time", async () => {
    let asked = 0;
    const clock = new FakeClock();
    const server = new FakeServer();
    const token = () => ({ token: `alice ${++asked}`, expires_at: clock.now() + 600_000 });
    const { client, wire } = clientOf(server, "alice", { clock, token });
    const connected = client.connect();
    await turns();
    await connected;
    await clock.pass(539_000);
    expect(asked).toBe(1);
    await clock.pass(2_000);
    expect(asked).toBe(2);
    const [line] = server.of("alice");
    expect(line?.received.filter(({ type }) => type === "auth")).toMatchObject([{ token: "alice 2" }]);
    await clock.pass(540_000);
    expect(asked).toBe(3);
    expect(wire.sockets).toHaveLength(1);
  });

  test("a token function that hands out tokens which have run out is not asked in a hot loop", async () => {
    let asked = 0;
    const clock = new FakeClock();
    const token = () => ({ token: `alice ${++asked}`, expires_at: clock.now() - 1 });
    const { client } = clientOf(new FakeServer(), "alice", { clock, token });
    const connected = client.connect();
    await turns();
    await connected;
    await clock.pass(10_000);
    expect(asked).toBe(3);
  });

  test("a server that doesn't greet is given up", async () => {
    const server = new FakeServer();
    server.faults.receive = (frame) => frame.type === "hello";
    const { client, clock, wire, reasons } = await still({}, server);
    expect(client.state).toBe("connecting");
    await clock.pass(15_000);
    expect(client.state).toBe("waiting");
    expect(reasons.at(-1)?.code).toBe("timeout");
    server.faults.receive = undefined;
    await clock.pass(1_000);
    expect(client.state).toBe("online");
    expect(wire.open).toHaveLength(1);
  });

  test("a server of another protocol is told as incompatible", async () => {
    const clock = new FakeClock();
    const { client, wire, reasons } = clientOf(new FakeServer(), "alice", { clock });
    wire.protocol = "";
    const connected = client.connect();
    connected.catch(() => {});
    await turns();
    expect(client.state).toBe("waiting");
    expect(reasons.at(-1)?.code).toBe("incompatible");
  });
});

describe("finding out that nobody is there", () => {
  test("a connection without any sign of life is given up within the time of two pings", async () => {
    const { client, clock, wire, reasons } = await still();
    wire.last.dead = true;
    await clock.pass(15_000);
    expect(client.state).toBe("online");
    await clock.pass(10_000);
    expect(client.state).toBe("waiting");
    expect(reasons.at(-1)?.code).toBe("idle");
    await clock.pass(1_000);
    expect(client.state).toBe("online");
  });

  test("a connection that lives is left alone", async () => {
    const { client, clock, wire, server } = await still();
    await clock.pass(3_600_000);
    expect(client.state).toBe("online");
    expect(wire.sockets).toHaveLength(1);
    const pings = server.of("alice")[0]?.received.filter(({ type }) => type === "ping") ?? [];
    expect(pings.length).toBeGreaterThan(200);
  });

  test("after a sleep the connection is looked at at once, and not given up for what slept with it", async () => {
    const { client, clock, wire } = await still();
    await clock.sleep(600_000);
    await clock.pass(1);
    expect(client.state).toBe("online");
    expect(wire.sockets).toHaveLength(1);
    wire.last.dead = true;
    await clock.sleep(600_000);
    await clock.pass(30_000);
    expect(client.state).toBe("online");
    expect(wire.sockets).toHaveLength(2);
  });

  test("timers that a hidden page gets once a minute don't end a connection that lives", async () => {
    const { client, clock, wire } = await still();
    for (let minute = 0; minute < 30; minute++) await clock.sleep(60_000);
    expect(client.state).toBe("online");
    expect(wire.sockets).toHaveLength(1);
  });

  test("sending after a sleep looks at the connection before a timer does", async () => {
    const { client, clock, wire, server } = await still();
    const [line] = server.of("alice");
    // Timers stood still while the clock went on, as in a laptop that was closed.
    vi.spyOn(clock, "now").mockReturnValue(clock.now() + 600_000);
    await client.send({ user: "bob" }, "awake");
    await turns();
    expect(line?.received.some(({ type }) => type === "ping")).toBe(true);
    expect(wire.sockets).toHaveLength(1);
  });

  test("the network's coming back ends the waiting, but not against what the server asked", async () => {
    const window = new EventTarget();
    vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
    vi.stubGlobal("removeEventListener", window.removeEventListener.bind(window));
    const { client, clock, wire, server } = await still();
    wire.unreachable = true;
    wire.last.cut();
    await turns();
    for (let attempt = 0; attempt < 6; attempt++) await clock.pass(clock.delays[0] as number);
    const [delay] = clock.delays as [number];
    await clock.pass(delay / 2);
    wire.unreachable = false;
    window.dispatchEvent(new Event("online"));
    await turns();
    expect(client.state).toBe("online");

    server.of("alice")[0]?.send({ type: "goaway", code: "overloaded", retry_after: 20_000 });
    server.of("alice")[0]?.close(4413);
    await clock.pass(5_000);
    window.dispatchEvent(new Event("online"));
    await turns();
    expect(client.state).toBe("waiting");
    await clock.pass(15_000);
    expect(client.state).toBe("online");
    await client.close();
  });

  test("a page that is shown again looks at its connection at once", async () => {
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    vi.stubGlobal("document", document);
    const { client, clock, wire } = await still();
    wire.last.dead = true;
    document.dispatchEvent(new Event("visibilitychange"));
    await clock.pass(10_000);
    expect(client.state).toBe("waiting");
    await client.close();
    expect(clock.waiting).toBe(0);
  });

  test("a command that isn't answered, though the connection lives, is sent again over a new one", async () => {
    const { client, clock, wire, server } = await still();
    server.faults.receive = (frame) => frame.type === "send";
    const { id, conversation } = await client.send({ user: "bob" }, "x");
    await clock.pass(60_000);
    server.faults.receive = undefined;
    expect(wire.sockets).toHaveLength(1);
    await clock.pass(60_000);
    expect(wire.sockets).toHaveLength(2);
    expect(await client.settled(id)).toMatchObject({ status: "sent" });
    expect(server.entries(conversation)).toHaveLength(1);
  });
});

describe("one connection", () => {
  test("connect may be called again and again: there is one socket", async () => {
    const { client, wire } = await still();
    await Promise.all([client.connect(), client.connect(), client.connect()]);
    expect(wire.sockets).toHaveLength(1);
  });

  test("what a former session still brings changes nothing", async () => {
    const { client, clock, wire, server, entries } = await still();
    const { onmessage } = wire.last;
    const [former] = server.of("alice");
    server.faults.receive = (frame) => frame.type === "send";
    const { id } = await client.send({ user: "bob" }, "x");
    await turns();
    server.faults.receive = undefined;
    wire.last.cut();
    await clock.pass(500);
    await client.settled(id);
    // A message over the socket of the past.
    const bytes = serverCodec(MSGPACK).encode({
      type: "message",
      conversation: id,
      seq: 9,
      id,
      sender: "mallory",
      sender_device: former?.device as string,
      timestamp: 1,
      content_type: "text",
      content: new Uint8Array(1),
      position: 2 ** 50,
    });
    onmessage?.({ data: (bytes as Uint8Array).slice().buffer } as never);
    await turns();
    expect(texts(entries)).toEqual(["x"]);
    expect(client.state).toBe("online");
  });

  test("close leaves no timer and no socket behind, whenever it comes", async () => {
    for (const moment of ["connecting", "syncing", "online", "waiting"] as const) {
      const server = new FakeServer();
      const clock = new FakeClock();
      if (moment === "syncing") server.faults.send = ({ type }) => (type === "synced" ? 0 : 1);
      const { client, wire } = clientOf(server, "alice", { clock, random: half });
      const connected = client.connect().catch((error: { code: string }) => error.code);
      if (moment !== "connecting") await turns();
      if (moment === "waiting") {
        wire.unreachable = true;
        wire.last.cut();
        await turns();
      }
      const closed = client.close();
      await turns();
      await closed;
      await turns();
      expect(clock.waiting).toBe(0);
      expect(wire.open).toHaveLength(0);
      expect(client.state).toBe("closed");
      expect(["closed", undefined]).toContain(await connected);
    }
  });

  test("a store that belongs to another user is not mixed with this one's", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    const first = await online("alice", { store }, server);
    await first.client.close();
    server.say("alice", { user: "bob" }, "for bob's eyes");
    const { client, entries } = clientOf(server, "bob", { store });
    await expect(client.connect()).rejects.toMatchObject({ code: "incompatible", field: "store" });
    expect(entries).toEqual([]);
    expect(client.state).toBe("idle");
  });

  test("a store that can't be opened is what connect rejects with", async () => {
    const store = memoryStore();
    await store.open();
    const { client } = clientOf(new FakeServer(), "alice", { store });
    await expect(client.connect()).rejects.toMatchObject({ code: "in_use" });
    await store.close();
    await client.connect();
    expect(client.state).toBe("online");
  });

  test("a write that fails loses nothing: what it held comes again", async () => {
    const server = new FakeServer();
    const inner = memoryStore();
    let failing = false;
    const store = {
      ...inner,
      write: async (step: Parameters<typeof inner.write>[0]) => {
        if (failing) throw new Error("disk full");
        await inner.write(step);
      },
    };
    const { client, entries, errors, wire } = await online("alice", { store }, server);
    failing = true;
    server.say("bob", { user: "alice" }, "A");
    await vi.waitUntil(() => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: "store_unavailable" });
    await expect(client.send({ user: "bob" }, "B")).rejects.toMatchObject({ code: "store_unavailable" });
    expect(entries).toEqual([]);
    failing = false;
    await vi.waitUntil(() => entries.length === 1);
    expect(texts(entries)).toEqual(["A"]);
    const sent = await client.send({ user: "bob" }, "C");
    expect(await client.settled(sent.id)).toMatchObject({ status: "sent", seq: 2 });
    expect(wire.open).toHaveLength(1);
  });

  test("a read that fails loses nothing either: what was being taken in comes again, whole", async () => {
    const server = new FakeServer();
    server.faults.ack = "bare";
    const inner = memoryStore();
    let failing = false;
    const store = {
      ...inner,
      entries: async (range: Parameters<typeof inner.entries>[0]) => {
        if (failing) throw new Error("disk unplugged");
        return inner.entries(range);
      },
    };
    const { client, entries, errors, wire } = await online("alice", { store }, server);
    server.faults.send = (frame) => (frame.type === "message" || frame.type === "pong" ? 0 : 1);
    const { conversation } = server.say("bob", { user: "alice" }, "A");
    const own = await client.send({ user: "bob" }, "B");
    await client.settled(own.id);
    // B waits in the store for A, and is read when A has come.
    failing = true;
    server.faults.send = undefined;
    server.say("bob", { user: "alice" }, "C");
    const [line] = server.of("alice");
    server.handle(line as NonNullable<typeof line>, { type: "pull", ref: 0, mailbox: 0 });
    await vi.waitUntil(() => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: "store_unavailable" });
    expect(entries).toEqual([]);
    failing = false;
    await vi.waitUntil(() => entries.length === 3);
    expect(texts(entries)).toEqual(["A", "B", "C"]);
    const [row] = await client.conversations();
    expect(row).toMatchObject({ conversation, head: 3, unread: 2 });
    expect(wire.open).toHaveLength(1);
  });
});
