import type { MailboxEntry } from "../delivery/mailbox-entry.js";
import { type Codec, type SubProtocol, serverCodec } from "../protocol/codec.js";
import type { ClientFrame, ServerFrame } from "../protocol/frames.js";
import { RECENT_UUIDS } from "../protocol/recent-uuids.js";
import { entryFrame } from "./entry-frame.js";
import { WEBSOCKET, websocketFrame } from "./websocket-frame.js";

/** Frames to and from the bytes of one sub-protocol, for all connections that speak it. */
export class Framing {
  readonly codec: Codec<ClientFrame, ServerFrame>;
  private last: MailboxEntry | null = null;
  private lastBytes: Uint8Array = new Uint8Array(0);

  constructor(name: SubProtocol) {
    this.codec = serverCodec(name, { allocate: Buffer.allocUnsafeSlow, envelope: WEBSOCKET, uuids: RECENT_UUIDS });
  }

  /** The whole WebSocket frame. */
  frame(frame: ServerFrame): Uint8Array {
    const encoded = this.codec.encode(frame);
    return typeof encoded === "string" ? websocketFrame(encoded) : encoded;
  }

  /**
   * The whole WebSocket frame of an entry that is the same for everyone. Recipients of one entry follow one another,
   * so to remember the last one is enough for it to be made once.
   */
  entry(item: MailboxEntry): Uint8Array {
    if (this.last !== item) {
      this.lastBytes = this.frame(entryFrame(item.entry, item.position, ""));
      this.last = item;
    }
    return this.lastBytes;
  }
}
