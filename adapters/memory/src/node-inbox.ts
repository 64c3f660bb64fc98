import type { NodeHandlers } from "../../../src/ports/index.js";

/** What waits for a node beyond this is dropped, and the node is told that it lost something. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

interface Parcel {
  readonly topic: string | null;
  readonly bytes: Uint8Array;
}

/** Hands bytes to one node in the order in which they were sent, in a later turn of the event loop. */
export class NodeInbox {
  readonly #handlers: NodeHandlers;
  #waiting: Parcel[] = [];
  #waitingBytes = 0;
  #lost = false;
  #timer: NodeJS.Immediate | null = null;

  constructor(handlers: NodeHandlers) {
    this.#handlers = handlers;
  }

  /** `topic` is null for bytes that were sent to the node itself. */
  put(topic: string | null, bytes: Uint8Array): void {
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#lost = true;
    } else {
      this.#waiting.push({ topic, bytes: new Uint8Array(bytes) });
      this.#waitingBytes += bytes.length;
    }
    this.#timer ??= setImmediate(() => this.#deliver());
  }

  /** Drops what waits. */
  end(): void {
    if (this.#timer !== null) clearImmediate(this.#timer);
    this.#timer = null;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #deliver(): void {
    const parcels = this.#waiting;
    this.#timer = null;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { topic, bytes } of parcels) {
      try {
        if (topic === null) this.#handlers.message(bytes);
        else this.#handlers.topic(topic, bytes);
      } catch {
        // What a node failed to take in is lost to it, and the rest must not suffer for that.
        this.#lost = true;
      }
    }
    if (!this.#lost) return;
    this.#lost = false;
    this.#handlers.lost();
  }
}
