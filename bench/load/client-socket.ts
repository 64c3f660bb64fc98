import { connect, type Socket } from "node:net";
import { clientFrame, PONG } from "./masked-frame.js";

/** Where one client connects. */
export interface Endpoint {
  readonly port: number;
  /** Path and query of the upgrade request. */
  readonly path: string;
  readonly subProtocol?: string;
}

export interface SocketHandler {
  /** The upgrade was answered: the client may write. */
  opened(): void;
  /** One message lies in `bytes` from `from` to `to`. The memory is used again: copy what must stay. */
  message(bytes: Buffer, from: number, to: number): void;
  /** All messages of one read were handed over. */
  read(): void;
}

/** libuv reads into this for all sockets: each read is looked at before the next one happens. */
const INCOMING = Buffer.alloc(262_144);
const END_OF_HEAD = "\r\n\r\n";

/**
 * The least that is a WebSocket client: the upgrade, whole unfragmented frames, pings answered. The same code carries
 * every wire, so that no subject is measured through a heavier client. Whatever is unexpected throws, which ends the
 * generator and fails the row.
 */
export class ClientSocket {
  private readonly socket: Socket;
  private rest: Buffer | null = null;
  private upgraded = false;
  private closing = false;

  constructor(
    endpoint: Endpoint,
    private readonly handler: SocketHandler,
  ) {
    this.socket = connect({
      port: endpoint.port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: INCOMING,
        callback: (size: number) => {
          this.incoming(size);
          return true;
        },
      },
    });
    this.socket.on("error", (error) => {
      if (!this.closing) throw error;
    });
    this.socket.on("close", () => {
      if (!this.closing) throw new Error(`The server closed a connection (${endpoint.path}).`);
    });
    const subProtocol = endpoint.subProtocol === undefined ? "" : `Sec-WebSocket-Protocol: ${endpoint.subProtocol}\r\n`;
    this.socket.write(
      `GET ${endpoint.path} HTTP/1.1\r\nHost: 127.0.0.1:${endpoint.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2VudHNlZW4gYmVuY2htYQ==\r\n${subProtocol}\r\n`,
    );
  }

  /** Writes whole frames in one call. They must not change afterwards. */
  write(frames: Buffer): void {
    this.socket.write(frames);
  }

  close(): void {
    this.closing = true;
    this.socket.destroy();
  }

  private incoming(size: number): void {
    const fresh = INCOMING.subarray(0, size);
    let bytes = this.rest === null ? fresh : Buffer.concat([this.rest, fresh]);
    this.rest = null;
    if (!this.upgraded) {
      const end = bytes.indexOf(END_OF_HEAD);
      if (end < 0) {
        this.rest = Buffer.from(bytes);
        return;
      }
      if (!bytes.toString("latin1", 0, 12).endsWith("101")) {
        throw new Error(`The upgrade was refused: ${bytes.toString("latin1", 0, end)}`);
      }
      this.upgraded = true;
      this.handler.opened();
      bytes = bytes.subarray(end + END_OF_HEAD.length);
    }
    const used = this.frames(bytes);
    if (used < bytes.length) this.rest = Buffer.from(bytes.subarray(used));
    this.handler.read();
  }

  /** Hands over the whole frames; answers how many bytes they took. */
  private frames(bytes: Buffer): number {
    let at = 0;
    while (bytes.length - at >= 2) {
      let length = (bytes[at + 1] as number) & 0x7f;
      let body = at + 2;
      if (length === 126) {
        if (bytes.length - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        body = at + 4;
      } else if (length === 127) {
        if (bytes.length - at < 10) break;
        length = bytes.readUInt32BE(at + 6);
        body = at + 10;
      }
      if (bytes.length - body < length) break;
      this.frame(bytes[at] as number, bytes, body, body + length);
      at = body + length;
    }
    return at;
  }

  private frame(first: number, bytes: Buffer, from: number, to: number): void {
    if (first === 0x81 || first === 0x82) this.handler.message(bytes, from, to);
    else if (first === 0x89) this.write(clientFrame(PONG, bytes.subarray(from, to)));
    else if (first !== 0x8a) {
      const code = to - from >= 2 ? bytes.readUInt16BE(from) : 0;
      const reason = bytes.toString("utf8", from + 2, to);
      throw new Error(`Unexpected frame 0x${first.toString(16)}, close code ${code}: ${reason}`);
    }
  }
}
