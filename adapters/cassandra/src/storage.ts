import {
  ChatError,
  CONTRACT,
  type DeviceRow,
  type DeviceStateKey,
  type HistoryRow,
  type MailboxRow,
  type Offset,
  type Storage,
  type Versioned,
  type Write,
} from "sentseen/ports";
import { Checkpoints } from "./checkpoints.js";
import { Conversations } from "./conversations.js";
import { DeviceStates } from "./device-states.js";
import { Devices } from "./devices.js";
import { History } from "./history.js";
import { Mailboxes } from "./mailboxes.js";
import { Receipts } from "./receipts.js";
import type { Call, Requests } from "./requests.js";
import type { Statements } from "./statements.js";

type Kind = Write["kind"];
type Of<K extends Kind> = Extract<Write, { kind: K }>;

export interface StorageParts {
  readonly requests: Requests;
  readonly statements: Statements;
  readonly now: () => number;
  readonly deviceStateMs: number;
  readonly connect: () => Promise<void>;
  readonly disconnect: () => Promise<void>;
}

/** The storage in a cluster: what each kind of write and each read come to is in the file named after it. */
export class CassandraStorage implements Storage {
  readonly contract = CONTRACT;
  readonly scope = "cluster";
  readonly atomic = false;

  readonly #parts: StorageParts;
  readonly #checkpoints: Checkpoints;
  readonly #conversations: Conversations;
  readonly #devices: Devices;
  readonly #deviceStates: DeviceStates;
  readonly #history: History;
  readonly #mailboxes: Mailboxes;
  readonly #receipts: Receipts;
  #state: "new" | "open" | "closed" = "new";
  #closing: Promise<void> | null = null;

  constructor(parts: StorageParts) {
    const { statements, now, deviceStateMs } = parts;
    this.#parts = parts;
    this.#checkpoints = new Checkpoints(statements);
    this.#conversations = new Conversations(statements);
    this.#devices = new Devices(statements, now);
    this.#deviceStates = new DeviceStates(statements, deviceStateMs);
    this.#history = new History(statements, now);
    this.#mailboxes = new Mailboxes(statements, now);
    this.#receipts = new Receipts(statements);
  }

  async open(): Promise<void> {
    if (this.#state !== "new") throw new ChatError("closed", "The storage has been opened before.");
    await this.#parts.connect();
    this.#state = "open";
  }

  close(): Promise<void> {
    this.#state = "closed";
    this.#closing ??= this.#parts.requests.idle().then(() => this.#parts.disconnect());
    return this.#closing;
  }

  async write(writes: readonly Write[]): Promise<void> {
    await this.#call("A write", async (call) => {
      const of = <K extends Kind>(kind: K) => writes.filter((write): write is Of<K> => write.kind === kind);
      await Promise.all([
        this.#history.put(call, of("history")),
        this.#mailboxes.put(call, of("mailbox")),
        this.#mailboxes.trim(call, of("trim")),
        this.#deviceStates.put(call, of("device_state")),
        this.#conversations.put(call, of("conversation")),
        this.#checkpoints.put(call, of("checkpoint")),
        this.#receipts.put(call, of("receipt")),
        this.#devices.put(call, of("device")),
        call.each(of("device_removed"), (write) => this.#removeDevice(call, write)),
      ]);
    });
  }

  checkpoint(topic: string, partition: number): Promise<Versioned | null> {
    return this.#call("Reading a checkpoint", (call) => this.#checkpoints.read(call, topic, partition));
  }

  conversations(ids: readonly string[]): Promise<(Versioned | null)[]> {
    return this.#call("Reading conversations", (call) => this.#conversations.read(call, ids));
  }

  deviceStates(keys: readonly DeviceStateKey[]): Promise<(Versioned | null)[]> {
    return this.#call("Reading states of devices", (call) => this.#deviceStates.read(call, keys));
  }

  mailbox(user: string, after: Offset, upTo: Offset, limit: number): Promise<MailboxRow[]> {
    return this.#call("Reading a mailbox", (call) => this.#mailboxes.read(call, user, after, upTo, limit));
  }

  history(conversation: string, after: number, before: number, limit: number, last: boolean): Promise<HistoryRow[]> {
    const range = { conversation, after, before, limit, last };
    return this.#call("Reading history", (call) => this.#history.read(call, range));
  }

  conversationsOf(user: string, after: string | null, limit: number): Promise<string[]> {
    return this.#call("Reading an index", (call) => this.#conversations.of(call, user, after, limit));
  }

  receipts(conversations: readonly string[]): Promise<Omit<Of<"receipt">, "kind">[][]> {
    return this.#call("Reading receipts", (call) => this.#receipts.read(call, conversations));
  }

  devices(user: string): Promise<DeviceRow[]> {
    return this.#call("Reading devices", (call) => this.#devices.read(call, user));
  }

  /** Rows expire by themselves. */
  async sweep(): Promise<boolean> {
    this.#mustBeOpen();
    return true;
  }

  /** States first: a call that fails in between finds the device again, and removes both. */
  async #removeDevice(call: Call, { user, device }: Of<"device_removed">): Promise<void> {
    await this.#deviceStates.remove(call, user, device);
    await this.#devices.remove(call, user, device);
  }

  async #call<T>(what: string, body: (call: Call) => Promise<T>): Promise<T> {
    this.#mustBeOpen();
    return this.#parts.requests.call(what, body);
  }

  #mustBeOpen(): void {
    if (this.#state !== "open") throw new ChatError("closed", "The Cassandra storage is not open.");
  }
}
