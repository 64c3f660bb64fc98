import { full } from "../link/failure.js";
import { wrap } from "./parcels.js";

/** A message is no larger than this, unless a single parcel is. */
const MESSAGE_BYTES = 512 * 1024;

/** Bytes that may wait to be sent; beyond, sending is refused. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** What a parcel takes beside its bytes, about. */
const PARCEL_BYTES = 64;

interface Message<Answer> {
  readonly parcels: Uint8Array[];
  bytes: number;
  readonly answer: Promise<Answer>;
  settle(answer: Answer | Promise<Answer>): void;
}

/** What goes one way: at most one message is under way, the others wait behind it in order. */
interface Way<Answer> {
  readonly waiting: Message<Answer>[];
  running: boolean;
}

/**
 * Bytes to many receivers. Those that go the same way and meet, in one turn of the event loop or while a message is
 * under way, share a message. Their order is kept.
 */
export class Outgoing<Answer> {
  readonly #carry: (to: string, message: Buffer) => Promise<Answer>;
  readonly #ways = new Map<string, Way<Answer>>();
  #waitingBytes = 0;

  constructor(carry: (to: string, message: Buffer) => Promise<Answer>) {
    this.#carry = carry;
  }

  /** Copies the bytes. Answers what became of the message that they go in. */
  put(to: string, bytes: Uint8Array): Promise<Answer> {
    const size = bytes.length + PARCEL_BYTES;
    if (this.#waitingBytes + size > MAX_WAITING_BYTES) {
      return Promise.reject(full("As much as may wait to be sent waits", MAX_WAITING_BYTES));
    }
    let way = this.#ways.get(to);
    if (way === undefined) {
      way = { waiting: [], running: false };
      this.#ways.set(to, way);
    }
    let message = way.waiting.at(-1);
    if (message === undefined || message.bytes + size > MESSAGE_BYTES) {
      message = newMessage();
      way.waiting.push(message);
    }
    message.parcels.push(new Uint8Array(bytes));
    message.bytes += size;
    this.#waitingBytes += size;
    if (!way.running) {
      way.running = true;
      setImmediate(() => this.#run(to, way));
    }
    return message.answer;
  }

  async #run(to: string, way: Way<Answer>): Promise<void> {
    for (let message = way.waiting.shift(); message !== undefined; message = way.waiting.shift()) {
      this.#waitingBytes -= message.bytes;
      const carried = this.#carry(to, wrap(message.parcels));
      message.settle(carried);
      try {
        await carried;
      } catch {
        // Its senders know; what waits behind may fare better.
      }
    }
    this.#ways.delete(to);
  }
}

function newMessage<Answer>(): Message<Answer> {
  let settle: (answer: Answer | Promise<Answer>) => void = () => {};
  const answer = new Promise<Answer>((resolve) => {
    settle = resolve;
  });
  return { parcels: [], bytes: 0, answer, settle };
}
