import type { Action, Answer, Command } from "../../src/model/command.js";
import type { UserId, Uuid } from "../../src/model/ids.js";

/** What a device wants, before it is published. */
export interface Wish {
  readonly conversation: Uuid;
  readonly action: Action;
}

/**
 * A client as the protocol wants it: publishes its commands in order; has at most a window of them unacknowledged,
 * counted from the oldest; after each reconnection publishes all of those again, in order, with the same ids.
 */
export class Device {
  readonly id: Uuid;
  private readonly wishes: (Wish & { readonly id: Uuid })[] = [];
  private readonly acknowledged = new Set<Uuid>();
  /** Answers on their way. */
  private readonly inbox: { readonly id: Uuid; readonly answer: Answer }[] = [];
  private oldest = 0;
  /** The next of the wishes to be published over the present connection. */
  private next = 0;
  private connection = 1;

  constructor(
    readonly user: UserId,
    private readonly name: string,
    private readonly window: number,
    /** How many commands it gives at most. */
    private readonly most: number,
  ) {
    this.id = `${user}/${name}`;
  }

  /** Whether the next command may be published; a new one only where `fresh`. */
  canPublish(fresh: boolean): boolean {
    return this.next < this.oldest + this.window && this.next < (fresh ? this.most : this.wishes.length);
  }

  /** The next command; what it is, is asked where it is a new one. */
  publish(timestamp: number, wish: () => Wish): Command {
    const at = this.next;
    if (at === this.wishes.length) this.wishes.push({ id: commandId(this.name, at + 1), ...wish() });
    const { id, conversation, action } = this.wishes[at] as Wish & { readonly id: Uuid };
    this.next++;
    this.skipAcknowledged();
    const origin = { node: "node", connection: this.connection, ref: at };
    return { conversation, id, sender: this.user, device: this.id, timestamp, origin, own_copy: true, action };
  }

  get waiting(): boolean {
    return this.oldest < this.wishes.length;
  }

  waitsFor(id: Uuid): boolean {
    return !this.acknowledged.has(id);
  }

  get hasAnswers(): boolean {
    return this.inbox.length > 0;
  }

  /** An answer is sent; over a connection that is no more it is lost. */
  answer(command: Command, answer: Answer): void {
    if (command.origin.connection === this.connection) this.inbox.push({ id: command.id, answer });
  }

  /** What was sent arrives. */
  receive(): void {
    for (const { id } of this.inbox.splice(0)) this.acknowledged.add(id);
    while (this.acknowledged.has(this.wishes[this.oldest]?.id ?? "")) this.oldest++;
    this.skipAcknowledged();
  }

  /** The connection is lost, with the answers that were on their way, and there is a new one. */
  reconnect(): void {
    this.connection++;
    this.inbox.length = 0;
    this.next = this.oldest;
  }

  private skipAcknowledged(): void {
    while (this.acknowledged.has(this.wishes[this.next]?.id ?? "")) this.next++;
  }
}

/** The id of a device's n-th command: a UUID, as stored states hold no other, that shows which one it is. */
function commandId(device: string, n: number): Uuid {
  return `00000000-0000-7000-8000-${device.padStart(4, "0")}${n.toString(16).padStart(8, "0")}`;
}
