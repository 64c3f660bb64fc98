import { newId, uuidFromBytes } from "../../src/model/ids.js";
import { clientCodec, MSGPACK } from "../../src/protocol/codec.js";
import type { ClientFrame } from "../../src/protocol/frames.js";
import { ClientSocket } from "./client-socket.js";
import { BINARY, clientFrame, FrameTemplate } from "./masked-frame.js";
import { eachFrame, type SeenFrame } from "./sentseen-frames.js";
import { type Address, filler, type Listener, type LoadClient, type Target, type Wire } from "./wire.js";

const codec = clientCodec(MSGPACK);

function encode(frame: ClientFrame): Uint8Array {
  return codec.encode(frame) as Uint8Array;
}

/** A request's number that the codec writes in four bytes, so that the template has room for any message's number. */
const WIDE = 0xffff_ffff;
const CREATE_REF = WIDE;

/** A send frame in which ref, id and the content's first four bytes change. */
function sendTemplate(user: string, group: string | null): { template: FrameTemplate; fill: (number: number) => void } {
  const id = Buffer.alloc(16, 0xee);
  const content = filler();
  const to = group === null ? { user } : { conversation: group };
  const payload = Buffer.from(
    encode({ type: "send", ref: WIDE, id: uuidFromBytes(id, 0), ...to, content_type: "text", content }),
  );
  const refAt = payload.indexOf(Buffer.of(0xce, 0xff, 0xff, 0xff, 0xff)) + 1;
  const idAt = payload.indexOf(id);
  const contentAt = payload.indexOf(content);
  const template = new FrameTemplate(BINARY, payload);
  // A UUIDv7: 48 bits of time, version, variant; random bits for the client, and the message's number, scattered, for
  // the rest, which is random in a real one.
  const salt = Math.floor(Math.random() * 0x1_0000_0000);
  template.uint32(idAt, Math.floor(Date.now() / 65_536));
  template.uint32(idAt + 4, ((Date.now() & 0xffff) << 16) | 0x7000);
  template.uint32(idAt + 8, (0x8000_0000 | Math.floor(Math.random() * 0x4000_0000)) >>> 0);
  const fill = (number: number) => {
    template.uint32(refAt, number);
    template.uint32(idAt + 12, (Math.imul(number, 0x9e37_79b1) ^ salt) >>> 0);
    template.uint32(contentAt, number);
  };
  return { template, fill };
}

/** Ticks between receipts: in a stream of messages a client tells of them every 400 ms, and what it only sent after 500. */
const TOLD_TICKS = 4;
const SENT_TICKS = 5;

/**
 * One device of one user in one conversation, and all that a real client does: hello with its position, a position
 * that follows messages and acks, and one receipt for what came since the last one, later for what it only sent.
 */
class SentseenClient implements LoadClient {
  readonly ready: Promise<void>;
  private readonly socket: ClientSocket;
  private readonly group: string | null;
  private readonly template: FrameTemplate;
  private readonly fill: (number: number) => void;
  private isReady: () => void = () => {};
  private readonly conversation = Buffer.alloc(16);
  private position = 0;
  private reportedPosition = 0;
  private delivered = 0;
  private reportedDelivered = 0;
  /** Something has come that others wait to hear of; for what was only sent, a client waits longer. */
  private waitedFor = false;
  private waited = 0;

  constructor(
    private readonly address: Address,
    private readonly listener: Listener,
  ) {
    const { port, target } = address;
    this.ready = new Promise((resolve) => {
      this.isReady = resolve;
    });
    this.group = target.kind === "group" ? newId() : null;
    ({ template: this.template, fill: this.fill } = sendTemplate(
      target.kind === "user" ? target.user : "",
      this.group,
    ));
    const each = (frame: SeenFrame) => this.frame(frame);
    this.socket = new ClientSocket(
      { port, path: "/chat", subProtocol: MSGPACK },
      {
        opened: () => this.write({ type: "hello", token: address.user, device: { id: newId(), platform: "bench" } }),
        message: (bytes, from, to) => eachFrame(bytes, from, to, each),
        read: () => listener.read(),
      },
    );
  }

  send(first: number, count: number): void {
    this.socket.write(this.template.repeat(first, count, this.fill));
  }

  tick(): void {
    this.waited++;
    if (this.position === this.reportedPosition) return;
    if (this.waited < (this.waitedFor ? TOLD_TICKS : SENT_TICKS)) return;
    this.waitedFor = false;
    this.waited = 0;
    const delivered: [string, number][] =
      this.delivered > this.reportedDelivered ? [[uuidFromBytes(this.conversation, 0), this.delivered]] : [];
    this.write({
      type: "receipt",
      position: this.position,
      ...(delivered.length > 0 ? { delivered } : {}),
    });
    this.reportedPosition = this.position;
    this.reportedDelivered = this.delivered;
  }

  close(): void {
    this.socket.close();
  }

  private write(frame: ClientFrame): void {
    this.socket.write(clientFrame(BINARY, encode(frame)));
  }

  private frame(frame: SeenFrame): void {
    switch (frame.type) {
      case "ack":
        this.advance(frame.position);
        this.entry(frame);
        if (frame.ref === CREATE_REF) this.isReady();
        else this.listener.ack(frame.ref);
        break;
      case "message":
      case "change":
        this.advance(frame.position);
        this.entry(frame);
        this.waitedFor = true;
        if (frame.type === "message") this.listener.delivery(frame.number);
        break;
      case "synced":
        this.advance(frame.position);
        this.synced(this.address.target);
        break;
      case "welcome":
      case "receipt":
        break;
      default:
        throw new Error(`Unexpected ${frame.type}: ${frame.bytes.toString("latin1", 0, 200)}`);
    }
  }

  private advance(position: number): void {
    if (position > this.position) this.position = position;
  }

  private entry(frame: SeenFrame): void {
    if (this.delivered === 0) frame.bytes.copy(this.conversation, 0, frame.conversation, frame.conversation + 16);
    else if (this.conversation.compare(frame.bytes, frame.conversation, frame.conversation + 16) !== 0) {
      throw new Error("A client of the generator is in one conversation, and got a message of another.");
    }
    if (frame.seq > this.delivered) this.delivered = frame.seq;
  }

  private synced(target: Target): void {
    if (this.group === null || target.kind !== "group" || target.members === undefined) {
      this.isReady();
      return;
    }
    const users = [...target.members];
    this.write({
      type: "group.create",
      ref: CREATE_REF,
      id: newId(),
      conversation: this.group,
      name: `group ${target.group}`,
      users,
    });
  }
}

/** sentseen.v1.msgpack. */
export const sentseenWire: Wire = (address, listener) => new SentseenClient(address, listener);
