import type { Socket, SocketConstructor } from "../../src/client/index.js";
import type { SubProtocol } from "../../src/protocol/codec.js";
import type { FakeServer, Line } from "./client-fake-server.js";

/** A socket without a network: what is sent arrives in a later turn of the loop, in order, unless the line is cut. */
export class FakeSocket implements Socket {
  binaryType = "blob";
  protocol = "";
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  /** Neither end hears anything any more, and neither is told. */
  dead = false;
  over = false;
  private line: Line | undefined;

  constructor(wire: Wire, subProtocol: SubProtocol) {
    wire.sockets.push(this);
    this.soon(() => {
      if (wire.unreachable) return this.ends(1006);
      this.protocol = wire.protocol ?? subProtocol;
      this.line = wire.server.connect(
        {
          send: (data) => this.soon(() => this.onmessage?.({ data: asReceived(data) } as never)),
          close: (code) => this.soon(() => this.ends(code)),
        },
        subProtocol,
      );
      this.onopen?.({} as never);
    });
  }

  send(data: Uint8Array | string): void {
    this.soon(() => this.line?.receive(data));
  }

  close(): void {
    this.soon(() => this.ends(1000));
  }

  terminate(): void {
    this.ends(1006);
  }

  /** The connection breaks: both ends are told. */
  cut(code = 1006): void {
    this.ends(code);
  }

  private ends(code: number): void {
    if (this.over) return;
    this.over = true;
    this.line?.close(1006);
    this.onclose?.({ code } as never);
  }

  private soon(work: () => void): void {
    setImmediate(() => {
      if (!this.over && !this.dead) work();
    });
  }
}

/** The way to a server, as a client's constructor of sockets. */
export class Wire {
  readonly sockets: FakeSocket[] = [];
  unreachable = false;
  /** What the server says that it speaks, where it isn't what was asked for. */
  protocol: string | undefined;
  readonly webSocket: SocketConstructor;

  constructor(readonly server: FakeServer) {
    const wire = this;
    this.webSocket = class extends FakeSocket {
      constructor(_url: string, [subProtocol]: string[]) {
        super(wire, subProtocol as SubProtocol);
      }
    };
  }

  /** Sockets that aren't over. */
  get open(): FakeSocket[] {
    return this.sockets.filter((socket) => !socket.over);
  }

  get last(): FakeSocket {
    return this.sockets.at(-1) as FakeSocket;
  }
}

function asReceived(data: Uint8Array | string): ArrayBuffer | string {
  return typeof data === "string" ? data : data.slice().buffer;
}
