import { type ClientOptions, type RawData, WebSocket } from "ws";
import type { SocketConstructor } from "../../src/client/index.js";
import { clientCodec, type SubProtocol, serverCodec } from "../../src/protocol/codec.js";
import type { ClientFrame, ServerFrame } from "../../src/protocol/frames.js";

/** What a tap is told. */
export interface TapListener {
  sent(frame: ClientFrame): void;
  received(frame: ServerFrame): void;
}

/** The sockets of one application, all of which can be torn away from it. */
export interface Tap {
  /** A WebSocket that tells the listener of every frame that passes. */
  readonly WebSocket: SocketConstructor;
  /** From now on the application's sockets are dead and nothing is told any more. */
  cut(): void;
}

/** Listens on the wire between an application and the server, on the application's side. */
export function tap(listener: TapListener): Tap {
  const sockets = new Set<WebSocket>();
  let alive = true;

  class TappedSocket extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[], options?: ClientOptions) {
      super(address, protocols, options);
      if (!alive) this.terminate();
      sockets.add(this);
      // The first listener there is: the tap knows before the application does.
      this.on("message", (data, isBinary) => this.tell(data, isBinary));
      this.on("close", () => sockets.delete(this));
    }

    private tell(data: RawData, isBinary: boolean): void {
      if (!alive) return;
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : (data as Buffer);
      const codec = clientCodec(this.protocol as SubProtocol);
      for (const decoded of codec.decode(isBinary ? bytes : Buffer.from(bytes).toString())) {
        if (decoded.error !== undefined) throw decoded.error;
        listener.received(decoded.frame);
      }
    }

    override send(data: string | Uint8Array, ...rest: unknown[]): void {
      if (alive) {
        for (const decoded of serverCodec(this.protocol as SubProtocol).decode(data)) {
          if (decoded.error !== undefined) throw decoded.error;
          listener.sent(decoded.frame);
        }
      }
      (super.send as (...args: unknown[]) => void).call(this, data, ...rest);
    }
  }

  return {
    WebSocket: TappedSocket as unknown as SocketConstructor,
    cut() {
      alive = false;
      for (const socket of sockets) socket.terminate();
    },
  };
}
