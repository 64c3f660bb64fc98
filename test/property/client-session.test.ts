import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ChatClient,
  type ChatEntry,
  type ClientStore,
  createChatClient,
  memoryStore,
} from "../../src/client/index.js";
import { newId } from "../../src/model/ids.js";
import type { ServerFrame } from "../../src/protocol/frames.js";
import { FakeClock, turns } from "../behaviour/client-fake-clock.js";
import { FakeServer, type Line } from "../behaviour/client-fake-server.js";
import { Wire } from "../behaviour/client-fake-socket.js";

// A device goes through whatever may happen to one, in any order: its invariants are looked at after each thing that
// happens, and at the end, when all is well again, everything has arrived, once and in order.

type Happening =
  | { readonly type: "send"; readonly to: number }
  | { readonly type: "overtaken"; readonly by: number }
  | { readonly type: "group" }
  | { readonly type: "hear"; readonly from: number }
  | { readonly type: "read"; readonly of: number }
  | { readonly type: "drop"; readonly code: number }
  | { readonly type: "blackhole" }
  | { readonly type: "unreachable"; readonly is: boolean }
  | { readonly type: "lose"; readonly frame: "ack" | "message" | "synced" | "welcome" | "pong" }
  | { readonly type: "twice" }
  | { readonly type: "refuse" }
  | { readonly type: "late" }
  | { readonly type: "restart" }
  | { readonly type: "full"; readonly landed: boolean }
  | { readonly type: "goaway"; readonly after: number }
  | { readonly type: "pass"; readonly ms: number };

const PEERS = ["bob", "carol"] as const;

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("send"), to: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("overtaken"), by: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("group") }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("hear"), from: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("read"), of: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("drop"), code: fc.constantFrom(1006, 1011, 4409, 4401) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("blackhole") }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("unreachable"), is: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("lose"),
      frame: fc.constantFrom("ack", "message", "synced", "welcome", "pong"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("twice") }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("refuse") }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("late") }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("restart") }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("full"), landed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("goaway"), after: fc.integer({ min: 0, max: 5_000 }) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("pass"), ms: fc.integer({ min: 0, max: 40_000 }) }) },
) as fc.Arbitrary<Happening>;

/** A device, its server, and what was seen of both. */
class World {
  readonly server = new FakeServer();
  readonly clock = new FakeClock();
  readonly told: ChatEntry[] = [];
  readonly settled = new Map<string, number>();
  readonly sent = new Map<string, string[]>();
  private readonly store = memoryStore({ entries: 10_000 });
  private readonly wires: Wire[] = [];
  private client!: ChatClient;
  private losing: string | undefined;
  private held: [Line, ServerFrame][] | undefined;
  /** The next write fails, though it may have landed. */
  private full: { readonly landed: boolean } | undefined;
  /** Commands whose send was rejected: whether they are in the store is anyone's guess. */
  private readonly doubtful = new Set<string>();
  private twice = false;
  private refusing = false;
  private random = 0;
  private texts = 0;

  constructor(ack: "position" | "echo" | "bare") {
    this.server.faults.ack = ack;
    this.server.faults.send = (frame, line) => {
      const { type } = frame;
      if (type === "ack" && this.held !== undefined) {
        this.held.push([line, frame]);
        return 0;
      }
      if (type === this.losing) {
        this.losing = undefined;
        // A frame that is lost within a connection that lives is what no server does; one that is cut off there is.
        this.wire.last.dead = true;
        return 0;
      }
      return this.twice && (type === "message" || type === "ack" || type === "change") ? 2 : 1;
    };
    this.server.faults.receive = (frame, line) => {
      if (frame.type !== "send" || !this.refusing) return false;
      this.refusing = false;
      this.server.owe(line, frame.id);
      return [{ type: "error", ref: frame.ref, id: frame.id, code: "rate_limited", message: "", retry_after: 50 }];
    };
    this.start();
  }

  get wire(): Wire {
    return this.wires.at(-1) as Wire;
  }

  /** A token that may come at any time: after the next attempt has begun, or after the client was closed. */
  private token(): Promise<string> {
    return new Promise((resolve) => this.clock.after(this.next() * 3_000, () => resolve("alice")));
  }

  /** The store, which takes its time. */
  private slow(): ClientStore {
    const { store } = this;
    return {
      ...store,
      write: async (step) => {
        await turns(Math.floor(this.next() * 5));
        const { full } = this;
        this.full = undefined;
        if (full?.landed !== false) await store.write(step);
        if (full !== undefined) throw new Error("disk full");
      },
    };
  }

  private start(): void {
    this.wires.push(new Wire(this.server));
    this.client = createChatClient({
      url: "ws://fake",
      token: () => this.token(),
      store: this.slow(),
      webSocket: this.wire.webSocket,
      clock: this.clock,
      // Any jitter, but the same one in each run of the same example.
      random: () => this.next(),
    });
    this.client.on("message", (message) => this.told.push(message));
    this.client.on("change", (change) => this.told.push(change));
    this.client.on("status", ({ id, status }) => {
      if (status === "sent" || status === "failed") this.settled.set(id, (this.settled.get(id) ?? 0) + 1);
    });
    this.client.connect().catch(() => {});
  }

  private next(): number {
    this.random = (this.random * 7 + 3) % 10;
    return (this.random + 0.5) / 11;
  }

  async happens(what: Happening): Promise<void> {
    await this.does(what);
    await turns(3);
    this.check();
  }

  private async does(what: Happening): Promise<void> {
    const { wire, server, clock } = this;
    switch (what.type) {
      case "send":
        return this.send(PEERS[what.to] as string);
      case "overtaken": {
        // What others say after it comes before its acknowledgement.
        const held: [Line, ServerFrame][] = [];
        this.held = held;
        this.send(PEERS[what.by] as string);
        await turns(5);
        server.say(PEERS[what.by] as string, { user: "alice" }, String(++this.texts));
        await turns(2);
        this.held = undefined;
        for (const [line, frame] of held) line.send(frame);
        return;
      }
      case "group":
        void this.client.createGroup("crew", ["bob"]).catch(() => {});
        return;
      case "hear":
        server.say(PEERS[what.from] as string, { user: "alice" }, String(++this.texts));
        return;
      case "read": {
        const conversations = await this.client.conversations();
        const row = conversations[what.of];
        if (row !== undefined) await this.client.markRead(row.conversation).catch(() => {});
        return;
      }
      case "drop":
        return wire.open.at(-1)?.cut(what.code);
      case "blackhole": {
        const socket = wire.open.at(-1);
        if (socket !== undefined) socket.dead = true;
        return;
      }
      case "unreachable":
        wire.unreachable = what.is;
        return;
      case "lose":
        this.losing = what.frame;
        return;
      case "twice":
        this.twice = !this.twice;
        return;
      case "refuse":
        this.refusing = true;
        return;
      case "late": {
        // A socket of the past says again what it said.
        const former = wire.sockets.at(-2);
        const line = server.history.at(-2);
        for (const frame of line?.sent ?? []) if (former?.over === false) line?.send(frame);
        return;
      }
      case "full":
        this.full = what;
        return;
      case "restart":
        return this.restart();
      case "goaway":
        for (const line of server.of("alice")) {
          line.send({ type: "goaway", code: "draining", retry_after: what.after });
          line.close(4412);
        }
        return;
      case "pass":
        return clock.pass(what.ms);
    }
  }

  private send(user: string): void {
    // Before the first welcome it waits for that, which may be long.
    const id = newId();
    void this.client.send({ user }, String(++this.texts), { id }).then(
      ({ conversation }) => this.sent.set(conversation, [...(this.sent.get(conversation) ?? []), id]),
      () => this.doubtful.add(id),
    );
  }

  private async restart(): Promise<void> {
    const closed = this.client.close();
    await turns();
    // A farewell that nobody answers is waited for, for a while.
    await this.clock.pass(2_000);
    await closed;
    this.start();
  }

  private check(): void {
    const open = this.wires.map((wire) => wire.open.filter(({ onmessage }) => onmessage !== null).length);
    expect(open.pop()).toBeLessThanOrEqual(1);
    // A client that was closed has none.
    expect(open.filter((count) => count > 0)).toEqual([]);
    for (const line of this.server.history) {
      // Within a connection nothing is repeated but what was refused for now.
      const ids = line.received.flatMap((frame) => (frame.type === "send" ? frame.id : []));
      if (!line.sent.some(({ type }) => type === "error")) expect(new Set(ids).size).toBe(ids.length);
    }
    const seqs = new Map<string, number>();
    for (const { conversation, seq = 0 } of this.told) {
      expect(seq).toBeGreaterThan(seqs.get(conversation) ?? 0);
      seqs.set(conversation, seq);
    }
    for (const count of this.settled.values()) expect(count).toBe(1);
    // Acknowledge timers, liveness, receipts, refresh, deadlines of what is asked: bounded, whatever happens.
    expect(this.clock.waiting).toBeLessThan(20);
  }

  /** All is well again: everything arrives. */
  async heal(): Promise<void> {
    this.losing = undefined;
    this.refusing = this.twice = false;
    this.wire.unreachable = false;
    this.full = undefined;
    for (let minute = 0; minute < 6; minute++) await this.clock.pass(60_000);
    this.check();
    expect(this.client.state).toBe("online");
    expect(await this.client.pending()).toEqual([]);
    for (const [conversation, ids] of this.sent) {
      const stored = this.server.entries(conversation).filter(({ sender }) => sender === "alice");
      expect(stored.map(({ id }) => id).filter((id) => !this.doubtful.has(id))).toEqual(ids);
      for (const id of ids) expect(this.settled.get(id)).toBe(1);
    }
    for (const [conversation, { entries }] of this.server.groups) {
      const told = this.told.filter((entry) => entry.conversation === conversation);
      expect(told.map(({ seq, id }) => [seq, id])).toEqual(entries.map(({ seq, id }) => [seq, id]));
    }
    const closed = this.client.close();
    await turns();
    await closed;
    await turns();
    expect(this.clock.waiting).toBe(0);
  }
}

test("whatever happens to a device, it says and hears everything once, in order, over one connection", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("position" as const, "echo" as const, "bare" as const),
      fc.array(happening, { minLength: 1, maxLength: 40 }),
      async (ack, happenings) => {
        const world = new World(ack);
        await world.happens({ type: "pass", ms: 0 });
        for (const what of happenings) await world.happens(what);
        await world.heal();
      },
    ),
    { numRuns: 150 },
  );
}, 600_000);
