import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { MSGPACK, type SubProtocol } from "../../src/protocol/codec.js";
import { until } from "../../src/testing/until.js";

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  /** Whether it is the last fragment of its message. */
  readonly fin?: boolean;
  /** The reserved bits: 4 says that the message is compressed. */
  readonly rsv?: number;
  readonly masked?: boolean;
}

/** A WebSocket frame as a client sends it, or as none should. */
export function frame(opcode: number, payload: string | Uint8Array = "", options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, masked = true } = options;
  const body = Buffer.from(payload as string);
  const size = body.length;
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const bit = masked ? 0x80 : 0;
  let head: Buffer;
  if (size < 126) head = Buffer.of(first, bit | size);
  else if (size < 65_536) head = Buffer.of(first, bit | 126, size >> 8, size & 255);
  else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = bit | 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  if (!masked) return Buffer.concat([head, body]);
  const key = randomBytes(4);
  for (let i = 0; i < size; i++) body[i] = (body[i] as number) ^ (key[i & 3] as number);
  return Buffer.concat([head, key, body]);
}

interface Received {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A TCP connection that sends whatever bytes it is told to, and reads HTTP responses and WebSocket frames. */
export class HostileSocket {
  /** What the server answered in HTTP: the first line. */
  status = "";
  readonly frames: Received[] = [];
  /** Whether the TCP connection is gone. */
  gone = false;
  private unread = Buffer.alloc(0);

  private constructor(readonly socket: Socket) {
    socket.on("error", () => {});
    socket.on("data", (chunk) => this.read(chunk));
    socket.on("close", () => {
      this.gone = true;
    });
  }

  /** A TCP connection on which nothing was sent yet. */
  static async open(url: string): Promise<HostileSocket> {
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname);
    const opened = new HostileSocket(socket);
    await once(socket, "connect", { signal: AbortSignal.timeout(10_000) });
    return opened;
  }

  /** A WebSocket on which nothing was sent yet. */
  static async upgraded(url: string, subProtocol: SubProtocol = MSGPACK): Promise<HostileSocket> {
    const opened = await HostileSocket.open(url);
    opened.write(upgradeRequest(url, { "Sec-WebSocket-Protocol": subProtocol }));
    await until("an answer to the upgrade", () => opened.status !== "" || opened.gone);
    if (!opened.status.includes(" 101 ")) throw new Error(`not upgraded: ${opened.status}`);
    return opened;
  }

  write(...chunks: readonly (string | Uint8Array)[]): void {
    for (const chunk of chunks) this.socket.write(chunk);
  }

  /** The code that the server closed with; null where it sent none. */
  get closeCode(): number | null {
    const close = this.frames.find(({ opcode }) => opcode === OP.close);
    return close === undefined || close.payload.length < 2 ? null : close.payload.readUInt16BE(0);
  }

  /** The code that the server closes with, within some seconds. */
  async closed(patienceMs = 15_000): Promise<number | null> {
    await until("the server closes", () => this.closeCode !== null || this.gone, patienceMs);
    return this.closeCode;
  }

  /** Waits until the TCP connection is gone. */
  async cut(patienceMs = 15_000): Promise<void> {
    await until("the connection is cut", () => this.gone, patienceMs);
  }

  end(): void {
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    this.unread = Buffer.concat([this.unread, chunk]);
    if (this.status === "") {
      const end = this.unread.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.status = this.unread.subarray(0, this.unread.indexOf("\r\n")).toString();
      this.unread = this.unread.subarray(end + 4);
    }
    while (this.readFrame());
  }

  private readFrame(): boolean {
    const { unread } = this;
    if (unread.length < 2) return false;
    const short = (unread[1] as number) & 0x7f;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (unread.length < header) return false;
    let size = short;
    if (short === 126) size = unread.readUInt16BE(2);
    else if (short === 127) size = Number(unread.readBigUInt64BE(2));
    if (unread.length < header + size) return false;
    this.frames.push({ opcode: (unread[0] as number) & 15, payload: unread.subarray(header, header + size) });
    this.unread = unread.subarray(header + size);
    return true;
  }
}

/** The request that makes a WebSocket, with more headers or others. */
export function upgradeRequest(url: string, headers: Readonly<Record<string, string>>): string {
  const { host, pathname } = new URL(url);
  const all = {
    Host: host,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${pathname} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
