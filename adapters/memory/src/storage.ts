import type {
  DeviceRow,
  DeviceStateKey,
  HistoryRow,
  MailboxRow,
  Offset,
  Storage,
  Versioned,
  Write,
} from "../../../src/ports/index.js";
import { ChatError, CONTRACT } from "../../../src/ports/index.js";
import { getOrMake } from "./get-or-make.js";
import { bytesOf, Latest } from "./latest.js";
import { MemberIndex } from "./member-index.js";
import { OwnedRows } from "./owned-rows.js";
import { type Doomed, sweeper } from "./sweeper.js";

type Receipt = Extract<Write, { kind: "receipt" }>;
type Device = DeviceRow & Doomed;

/** A storage in this process's memory. Its rows survive `close()` and are there again after the next `open()`. */
export function memoryStorage(): Storage {
  return new MemoryStorage();
}

/** Every `Write` is applied whole within one turn of the event loop, and so is a whole array of them. */
class MemoryStorage implements Storage {
  readonly contract = CONTRACT;
  readonly scope = "process";
  readonly atomic = true;

  #open = false;
  readonly #history = new OwnedRows<HistoryRow & { readonly offset: Offset } & Doomed>((row) => row.seq);
  readonly #mailboxes = new OwnedRows<MailboxRow & Doomed>((row) => row.position);
  readonly #trims = new Map<string, Offset>();
  readonly #deviceStates = new Map<string, Latest>();
  readonly #conversations = new Latest();
  readonly #members = new MemberIndex();
  readonly #checkpoints = new Latest();
  readonly #receipts = new Map<string, Map<string, Receipt>>();
  readonly #devices = new Map<string, Map<string, Device>>();
  readonly #sweep = sweeper([
    (expired) => this.#history.examine(expired),
    (expired) => this.#mailboxes.examine(expired),
    (expired) => this.#examineDevices(expired),
  ]);

  async open(): Promise<void> {
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
  }

  async write(writes: readonly Write[]): Promise<void> {
    this.#mustBeOpen();
    for (const write of writes) this.#apply(write);
  }

  async checkpoint(topic: string, partition: number): Promise<Versioned | null> {
    this.#mustBeOpen();
    return this.#checkpoints.get(`${partition} ${topic}`);
  }

  async conversations(ids: readonly string[]): Promise<(Versioned | null)[]> {
    this.#mustBeOpen();
    return ids.map((id) => this.#conversations.get(id));
  }

  async deviceStates(keys: readonly DeviceStateKey[]): Promise<(Versioned | null)[]> {
    this.#mustBeOpen();
    return keys.map((key) => this.#deviceStates.get(deviceKey(key))?.get(String(key.partition)) ?? null);
  }

  async mailbox(user: string, after: Offset, upTo: Offset, limit: number): Promise<MailboxRow[]> {
    this.#mustBeOpen();
    // Positions are whole numbers, so what is before the next one is up to this one.
    const rows = this.#mailboxes.of(user)?.first(after, upTo + 1, limit) ?? [];
    return rows.map(({ position, value }) => ({ position, value }));
  }

  async history(
    conversation: string,
    after: number,
    before: number,
    limit: number,
    last: boolean,
  ): Promise<HistoryRow[]> {
    this.#mustBeOpen();
    const kept = this.#history.of(conversation);
    const rows = (last ? kept?.last(after, before, limit) : kept?.first(after, before, limit)) ?? [];
    return rows.map(({ seq, value }) => ({ seq, value }));
  }

  async conversationsOf(user: string, after: string | null, limit: number): Promise<string[]> {
    this.#mustBeOpen();
    return this.#members.conversationsOf(user, after, limit);
  }

  async receipts(conversations: readonly string[]): Promise<Omit<Receipt, "kind">[][]> {
    this.#mustBeOpen();
    return conversations.map((id) =>
      [...(this.#receipts.get(id)?.values() ?? [])].map(({ conversation, user, delivered, read }) => ({
        conversation,
        user,
        delivered,
        read,
      })),
    );
  }

  async devices(user: string): Promise<DeviceRow[]> {
    this.#mustBeOpen();
    return [...(this.#devices.get(user)?.values() ?? [])].map(({ device, position, seen_at, value }) => ({
      user,
      device,
      position,
      seen_at,
      value,
    }));
  }

  async sweep(now: number, limit: number): Promise<boolean> {
    this.#mustBeOpen();
    return this.#sweep(now, limit);
  }

  #apply(write: Write): void {
    switch (write.kind) {
      case "history": {
        const { conversation, seq, offset, expires_at } = write;
        const there = this.#history.of(conversation)?.get(seq);
        if (there !== undefined && there.offset > offset) return;
        this.#history.set(conversation, { seq, offset, expires_at, value: bytesOf(write.value) });
        return;
      }
      case "mailbox": {
        const trimmed = this.#trims.get(write.user) ?? Number.NEGATIVE_INFINITY;
        for (const { position, value } of write.rows) {
          if (position <= trimmed) continue;
          this.#mailboxes.set(write.user, { position, value: bytesOf(value), expires_at: write.expires_at });
        }
        return;
      }
      case "trim":
        raise(this.#trims, write.user, write.position);
        this.#mailboxes.deleteUpTo(write.user, write.position);
        return;
      case "device_state": {
        const states = getOrMake(this.#deviceStates, deviceKey(write), () => new Latest());
        states.set(String(write.partition), write);
        return;
      }
      case "conversation":
        this.#conversations.set(write.conversation, write);
        for (const user of write.joined) this.#members.set(user, write.conversation, true, write.offset);
        for (const user of write.left) this.#members.set(user, write.conversation, false, write.offset);
        return;
      case "checkpoint":
        this.#checkpoints.set(`${write.partition} ${write.topic}`, write);
        return;
      case "receipt":
        this.#applyReceipt(write);
        return;
      case "device":
        this.#applyDevice(write);
        return;
      case "device_removed":
        this.#removeDevice(write.user, write.device);
        return;
    }
  }

  #applyReceipt(write: Receipt): void {
    const users = getOrMake(this.#receipts, write.conversation, () => new Map<string, Receipt>());
    const there = users.get(write.user) ?? write;
    users.set(write.user, {
      ...write,
      delivered: Math.max(there.delivered, write.delivered),
      read: Math.max(there.read, write.read),
    });
  }

  #applyDevice(write: Extract<Write, { kind: "device" }>): void {
    const devices = getOrMake(this.#devices, write.user, () => new Map<string, Device>());
    const there = devices.get(write.device);
    const position = Math.max(there?.position ?? write.position, write.position);
    const late = there !== undefined && there.seen_at > write.seen_at;
    devices.set(write.device, late ? { ...there, position } : { ...write, position, value: bytesOf(write.value) });
  }

  #removeDevice(user: string, device: string): void {
    const devices = this.#devices.get(user);
    devices?.delete(device);
    if (devices?.size === 0) this.#devices.delete(user);
    this.#deviceStates.delete(deviceKey({ user, device }));
  }

  *#examineDevices(expired: (row: Doomed) => boolean): Generator<void> {
    for (const [user, devices] of this.#devices) {
      for (const [device, row] of devices) {
        if (expired(row)) this.#removeDevice(user, device);
        yield;
      }
    }
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new ChatError("closed", "The memory storage is not open.");
  }
}

/** A device's id has a fixed length, so the two can't run into each other. */
function deviceKey(key: { readonly user: string; readonly device: string }): string {
  return key.device + key.user;
}

function raise(numbers: Map<string, number>, key: string, to: number): void {
  numbers.set(key, Math.max(numbers.get(key) ?? to, to));
}
