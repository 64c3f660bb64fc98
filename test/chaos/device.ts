import { inspect } from "node:util";
import { type ChatClient, type ChatEntry, createChatClient } from "../../src/client/index.js";
import { newId } from "../../src/model/ids.js";
import { CrashStore } from "./crash-store.js";
import { pause, within } from "./deadline.js";
import { digestOf, type Happening, type History, type SeenEntry } from "./history.js";
import { commandIn, seenInFrame } from "./observe.js";
import { FaultyProxy } from "./proxy.js";
import type { Random } from "./random.js";
import type { Change } from "./scenario.js";
import { type Tap, tap } from "./tap.js";

/** Where a message goes: a user, or the group of this id. */
export type Recipient = { readonly user: string } | { readonly conversation: string };

/** A life of the application: what ends with it. */
interface Life {
  readonly client: ChatClient;
  readonly wire: Tap;
}

/** What a change of a group may be refused with. */
const REFUSALS: ReadonlySet<string> = new Set(["not_found", "not_member", "forbidden", "group_full", "invalid"]);

/** One device of a user: an application over the client SDK, its store, and its own faulty network. */
export class Device {
  private readonly store: CrashStore;
  private life: Life | null = null;
  /** What the application is asked to do, one after another. */
  private work: Promise<void> = Promise.resolve();
  /** Conversation → the seqs that the application has seen, in whichever life. */
  private readonly seen = new Map<string, Set<number>>();
  private sent = 0;

  private constructor(
    readonly name: string,
    readonly user: string,
    readonly network: FaultyProxy,
    private readonly history: History,
    private readonly random: Random,
  ) {
    this.store = new CrashStore(random.fork());
  }

  /** A device whose application is online and in sync. */
  static async enroll(
    name: string,
    user: string,
    ports: readonly (number | null)[],
    history: History,
    random: Random,
  ): Promise<Device> {
    const device = new Device(name, user, await FaultyProxy.open(...ports), history, random);
    await device.start();
    await within(`${name} to be online`, device.life?.client.connect() ?? Promise.resolve());
    history.add({ type: "enrolled", user, device: name });
    return device;
  }

  private add(happening: Happening): void {
    this.history.add(happening);
  }

  /** The application starts: it shows what its store has, and goes online. */
  private async start(): Promise<void> {
    const { user, name: device } = this;
    const wire = tap({
      sent: (frame) => {
        const id = commandIn(frame);
        if (id === null || frame.type === "send") return;
        this.add({ type: "submitted", user, device, id });
        this.add({ type: "queued", user, device, id });
      },
      received: (frame) => {
        for (const happening of seenInFrame(this.whose, frame)) this.add(happening);
      },
    });
    const client = createChatClient({
      url: `ws://127.0.0.1:${this.network.port}/chat`,
      token: user,
      store: this.store.open(),
      webSocket: wire.WebSocket,
      random: () => this.random.next() * 0.05,
    });
    const life = { client, wire };
    this.life = life;
    this.listen(life);
    await this.catchUp(client);
    client.connect().catch((error: unknown) => {
      // The application may end first, which is nobody's fault.
      if (this.life !== life || client.state === "closed") return;
      this.add({ type: "failure", text: `${device} can't connect: ${error}` });
    });
  }

  private listen(life: Life): void {
    const { client } = life;
    const { name: device } = this;
    // What is left of a life that ended is told to nobody.
    const tell = (listener: () => void): void => {
      if (this.life === life) listener();
    };
    client.on("message", (message) => tell(() => this.deliver(message)));
    client.on("change", (change) => tell(() => this.deliver(change)));
    client.on("status", ({ id, status }) => tell(() => this.add({ type: "status", device, id, status })));
    // What the mailbox lacks the application finds in the conversations.
    client.on("gap", () => this.queue((online) => this.catchUp(online)));
    client.on("error", (error) => {
      // A change of a group that an earlier life asked for: nobody waits for its refusal any more.
      if (REFUSALS.has(error.code)) return;
      tell(() => this.add({ type: "failure", text: `${device} was told: ${error.stack}` }));
    });
  }

  private get whose() {
    return { user: this.user, device: this.name };
  }

  private deliver(entry: ChatEntry): void {
    if (entry.seq !== undefined) this.saw("delivered", entry, entry.seq);
  }

  private saw(type: "delivered" | "found", entry: ChatEntry, seq: number): void {
    const seen = this.seen.get(entry.conversation) ?? new Set();
    this.seen.set(entry.conversation, seen.add(seq));
    this.add({ type, ...this.whose, entry: seenAtApplication(entry, seq) });
  }

  /**
   * What an earlier life wasn't told of before it ended, and what the mailbox lacks, an application finds in its history,
   * where it may lie before what it has seen.
   */
  private async catchUp(client: ChatClient): Promise<void> {
    for (const { conversation } of await client.conversations()) {
      for (const entry of await historyOf(client, conversation)) {
        const { seq } = entry;
        if (seq !== undefined && !this.seen.get(conversation)?.has(seq)) this.saw("found", entry, seq);
      }
    }
  }

  /** One thing after another, in the order in which they are asked for. */
  private queue(work: (client: ChatClient) => Promise<void> | void): void {
    this.work = this.work.then(async () => {
      try {
        if (this.life !== null) await work(this.life.client);
      } catch (error) {
        this.add({ type: "failure", text: `${this.name}: ${error instanceof Error ? error.stack : error}` });
      }
    });
  }

  /** Sends a message with a content of its own, of about so many bytes. */
  send(to: Recipient, size: number): void {
    this.queue((client) => {
      const id = newId();
      const content = Buffer.alloc(Math.max(size, 0), `${this.name} ${++this.sent} `);
      const { user, name: device } = this;
      const where = "user" in to ? { to: to.user } : to;
      this.add({ type: "submitted", user, device, id, digest: digestOf(content), ...where });
      const life = this.life;
      client.send(to, content, { id }).then(
        () => {
          if (this.life === life) this.add({ type: "queued", user, device, id });
        },
        (error: unknown) => {
          if (this.life === life) this.add({ type: "failure", text: `${device} can't send: ${error}` });
        },
      );
    });
  }

  /** Reads all that the application has of every conversation. */
  markRead(): void {
    this.queue(async (client) => {
      for (const [conversation, seen] of this.seen) {
        const seq = Math.max(...seen);
        this.add({ type: "read", ...this.whose, conversation, seq });
        await client.markRead(conversation, seq);
      }
    });
  }

  /** Makes a group; resolves with its conversation once it stands. */
  async createGroup(name: string, users: readonly string[]): Promise<string> {
    const client = this.life?.client;
    if (client === undefined) throw new Error(`${this.name} has no application`);
    return client.createGroup(name, users);
  }

  /** Asks for a change of a group, and doesn't care whether it is allowed. */
  changeGroup(group: string, change: Change): void {
    this.queue((client) => {
      const asked = ask(client, group, change);
      asked.catch(() => {});
    });
  }

  /** The application ends, politely or not, and comes back after a while with what its store has. */
  restart(crash: boolean, away: number): void {
    this.queue(async () => {
      await this.end(crash);
      await pause(away);
      await this.start();
    });
  }

  private async end(crash: boolean): Promise<void> {
    const { life } = this;
    if (life === null) return;
    if (!crash) await life.client.close();
    this.life = null;
    life.wire.cut();
    if (!crash) return;
    await this.store.crash();
    // Nobody waits for what is left of it, and its timers end.
    life.client.close().catch(() => {});
  }

  /** Resolves when the application has done all it was asked for. */
  async idle(): Promise<void> {
    await this.work;
  }

  get online(): boolean {
    return this.life?.client.state === "online";
  }

  /** All that the store has. */
  async kept(): Promise<Happening[]> {
    const client = this.life?.client;
    const kept: Happening[] = [];
    for (const { conversation } of (await client?.conversations()) ?? []) {
      const entries = client === undefined ? [] : await historyOf(client, conversation);
      const placed = entries.flatMap((entry) => (entry.seq === undefined ? [] : [seenAtApplication(entry, entry.seq)]));
      kept.push({ type: "kept", ...this.whose, conversation, entries: placed });
    }
    return kept;
  }

  /** What its client and its store say of themselves, a line each. */
  async state(): Promise<string[]> {
    const { meta, outbox, conversations } = await this.store.contents();
    const lines = [`${this.name} is ${this.life?.client.state ?? "down"} ${inLine(meta)}`];
    for (const { order, id, conversation, frame } of outbox) {
      lines.push(`${this.name} waits for the answer to ${frame.type} ${inLine({ order, id, conversation })}`);
    }
    return [...lines, ...conversations.map((row) => `${this.name} has ${inLine(row)}`)];
  }

  async close(): Promise<void> {
    await this.end(true);
    await this.network.close();
  }
}

/** All entries of a conversation that the device has or gets. */
async function historyOf(client: ChatClient, conversation: string): Promise<ChatEntry[]> {
  const all: ChatEntry[] = [];
  for (;;) {
    const { entries, more } = await client.history(conversation, { after: all.at(-1)?.seq ?? 0, limit: 200 });
    all.push(...entries);
    if (!more || entries.length === 0) return all;
  }
}

function inLine(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 });
}

async function ask(client: ChatClient, group: string, change: Change): Promise<void> {
  switch (change.kind) {
    case "add":
      return client.addMembers(group, change.users);
    case "remove":
      return client.removeMembers(group, change.users);
    case "leave":
      return client.leaveGroup(group);
    case "rename":
      return client.renameGroup(group, change.name);
    case "role":
      return client.setRole(group, change.user, change.role);
  }
}

function seenAtApplication(entry: ChatEntry, seq: number): SeenEntry {
  const { conversation, id, sender, timestamp } = entry;
  const placed = { conversation, seq, id, sender, timestamp };
  if (entry.type === "change") return { ...placed, change: entry.change };
  const { content, own, status, to } = entry;
  return { ...placed, digest: digestOf(content), ...(to !== undefined && { to }), ...(own && { status }) };
}
