import { once } from "node:events";
import { WebSocket } from "ws";
import { clientCodec, MSGPACK } from "../../src/protocol/codec.js";
import type { ClientFrame, ServerFrame } from "../../src/protocol/frames.js";
import { within } from "./deadline.js";
import type { History } from "./history.js";
import { seenInFrame, type Whose } from "./observe.js";

/**
 * A client that keeps nothing, repeats nothing and acknowledges nothing: it sends what it is told to and writes down
 * what comes.
 */
export class WireClient {
  readonly frames: ServerFrame[] = [];
  private readonly codec = clientCodec(MSGPACK);
  private readonly watchers = new Set<() => void>();

  private constructor(
    private readonly socket: WebSocket,
    whose: Whose,
    history: History,
  ) {
    socket.on("message", (data) => {
      for (const decoded of this.codec.decode(data as Buffer)) {
        if (decoded.error !== undefined) throw decoded.error;
        this.frames.push(decoded.frame);
        for (const happening of seenInFrame(whose, decoded.frame)) history.add(happening);
      }
      for (const look of [...this.watchers]) look();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const look of [...this.watchers]) look();
    });
  }

  /** Connects, and resolves when everything that was missed has come. */
  static async open(port: number, whose: Whose, device: string, history: History): Promise<WireClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`, [MSGPACK]);
    const client = new WireClient(socket, whose, history);
    await within("a connection", once(socket, "open"));
    client.send([{ type: "hello", token: whose.user, device: { id: device } }]);
    await client.until("synced", (frames) => frames.some(({ type }) => type === "synced"));
    return client;
  }

  /** Whether the connection is up. */
  get alive(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Sends frames, each in a message of its own, while the connection is up. */
  send(frames: readonly ClientFrame[]): void {
    if (!this.alive) return;
    for (const frame of frames) this.socket.send(this.codec.encode(frame));
  }

  /** Resolves when what has come suffices, or rejects when the connection is gone or it takes too long. */
  async until(what: string, enough: (frames: readonly ServerFrame[]) => boolean): Promise<void> {
    let look = (): void => {};
    const waiting = new Promise<void>((resolve, reject) => {
      look = () => {
        if (enough(this.frames)) resolve();
        else if (this.socket.readyState >= WebSocket.CLOSING) reject(new Error(`the connection closed before ${what}`));
      };
      this.watchers.add(look);
      look();
    });
    await within(what, waiting).finally(() => this.watchers.delete(look));
  }

  /** Resolves when the connection is gone. */
  async closed(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED)
      await within("the end of the connection", once(this.socket, "close"));
  }

  drop(): void {
    this.socket.terminate();
  }
}
