/**
 * A process of very many light clients: sockets that say hello and come back when they are dropped, as the SDK does.
 * Told where to connect; reports how it goes several times a second.
 */
import { WebSocket } from "ws";
import { createBackoff } from "../../../src/client/backoff.js";
import { newId } from "../../../src/model/ids.js";
import { clientCodec, MSGPACK } from "../../../src/protocol/codec.js";
import type { ClientFrame, ServerFrame } from "../../../src/protocol/frames.js";
import type { CrowdOrder, CrowdReport } from "./crowd.js";

/** How long the SDK waits for a welcome, and for a pong, in milliseconds. */
const WELCOME_MS = 15_000;
const PONG_MS = 10_000;
const REPORT_MS = 200;
/** So many greet at a time at first. */
const AT_ONCE = 200;

const codec = clientCodec(MSGPACK);
const troubles = new Set<string>();
let ports: readonly number[] = [];
let next = 0;

class LightClient {
  /** How often it has come in, with everything that it missed and an answer to its ping. */
  arrivals = 0;
  private readonly user = `user ${newId()}`;
  private readonly device = newId();
  private readonly backoff = createBackoff(Math.random);
  private position: number | undefined;
  private deadline: NodeJS.Timeout | undefined;

  /** Connects, and does so again whenever it is dropped. Resolves when it has come in for the first time. */
  connect(): Promise<void> {
    return new Promise((arrived) => {
      const socket = new WebSocket(`ws://127.0.0.1:${ports[next++ % ports.length]}/chat`, MSGPACK);
      this.wait("welcome", WELCOME_MS);
      socket.on("error", () => {});
      socket.on("open", () => socket.send(codec.encode(this.hello)));
      socket.on("message", (data: Buffer) => {
        for (const decoded of codec.decode(data)) {
          if (decoded.error !== undefined) throw decoded.error;
          this.take(socket, decoded.frame);
          if (decoded.frame.type === "pong") arrived();
        }
      });
      socket.on("close", () => {
        clearTimeout(this.deadline);
        setTimeout(() => void this.connect(), this.backoff.next());
      });
    });
  }

  private get hello(): ClientFrame {
    const { user, device, position } = this;
    return { type: "hello", token: user, device: { id: device }, ...(position !== undefined && { position }) };
  }

  private take(socket: WebSocket, frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        return this.wait("end of what was missed", PONG_MS);
      case "synced":
        this.position = frame.position;
        socket.send(codec.encode({ type: "ping", position: frame.position }));
        return this.wait("pong", PONG_MS);
      case "pong":
        clearTimeout(this.deadline);
        this.arrivals++;
        return this.backoff.reset();
      case "error":
        troubles.add(`error: ${frame.code}`);
    }
  }

  private wait(what: string, milliseconds: number): void {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => troubles.add(`no ${what} in ${milliseconds} ms`), milliseconds);
  }
}

const clients: LightClient[] = [];

process.on("message", (order: CrowdOrder) => {
  ports = order.ports;
  const { more = 0 } = order;
  const queue = Array.from({ length: more }, () => new LightClient());
  clients.push(...queue);
  const work = async (): Promise<void> => {
    for (let client = queue.shift(); client !== undefined; client = queue.shift()) await client.connect();
  };
  for (let i = 0; i < AT_ONCE; i++) void work();
});
setInterval(() => {
  const report: CrowdReport = { arrivals: clients.map(({ arrivals }) => arrivals), troubles: [...troubles] };
  process.send?.(report);
}, REPORT_MS);
process.on("disconnect", () => process.exit(0));
