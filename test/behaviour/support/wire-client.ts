import { once } from "node:events";
import { type RawData, WebSocket } from "ws";
import { newId, type Uuid } from "../../../src/model/ids.js";
import type { ContentType } from "../../../src/model/message.js";
import { clientCodec, MSGPACK, type SubProtocol } from "../../../src/protocol/codec.js";
import type { ClientFrame, ServerFrame, ServerFrames } from "../../../src/protocol/frames.js";
import { until } from "../../../src/testing/until.js";

type FrameOf<T extends ServerFrame["type"]> = Extract<ServerFrame, { type: T }>;
type WithoutRef<F> = F extends { ref: number } ? Omit<F, "ref"> : never;
/** A frame that is answered, without its number. */
export type Request = WithoutRef<ClientFrame>;
export type Answer = Extract<ServerFrame, { ref?: number }>;
export type Ack = ServerFrames["ack"];
export type Recipient = { readonly user: string } | { readonly conversation: Uuid };

export interface SocketOptions {
  readonly subProtocol?: SubProtocol;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Hello {
  readonly user: string;
  readonly token?: string;
  readonly device?: Uuid;
  readonly position?: number;
}

export interface Content {
  readonly id?: Uuid;
  readonly content_type?: ContentType;
}

const DEADLINE_MS = 10_000;

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A client that keeps nothing and does nothing by itself: it sends what it is told to and writes down what comes. */
export class WireClient {
  /** Everything that came, in order. */
  readonly frames: ServerFrame[] = [];
  readonly socket: WebSocket;
  /** Set once the connection is gone. */
  ended: { readonly code: number; readonly reason: string } | null = null;
  user = "";
  device: Uuid = "";

  private readonly codec;
  private nextRef = 1;

  private constructor(url: string, { subProtocol = MSGPACK, headers = {} }: SocketOptions) {
    this.codec = clientCodec(subProtocol);
    this.socket = new WebSocket(url, [subProtocol], { headers });
    this.socket.on("message", (data: RawData, binary: boolean) => {
      for (const decoded of this.codec.decode(binary ? new Uint8Array(data as Buffer) : data.toString())) {
        if (decoded.error !== undefined) throw decoded.error;
        this.frames.push(decoded.frame);
      }
    });
    this.socket.on("error", () => {});
    this.socket.on("close", (code, reason) => {
      this.ended = { code, reason: reason.toString() };
    });
  }

  /** A socket that hasn't said hello. Rejects where the server turns it away. */
  static async open(url: string, options: SocketOptions = {}): Promise<WireClient> {
    const client = new WireClient(url, options);
    await once(client.socket, "open", { signal: AbortSignal.timeout(DEADLINE_MS) });
    return client;
  }

  /** A socket that is let in and has got everything that it missed. */
  static async connect(url: string, hello: Hello, options: SocketOptions = {}): Promise<WireClient> {
    const client = await WireClient.open(url, options);
    client.hello(hello);
    await client.next("synced");
    return client;
  }

  hello({ user, token = user, device = newId(), position }: Hello): void {
    this.user = user;
    this.device = device;
    this.send({ type: "hello", token, device: { id: device }, ...(position !== undefined && { position }) });
  }

  send(...frames: readonly ClientFrame[]): void {
    for (const frame of frames) this.socket.send(this.codec.encode(frame));
  }

  /** Sends a request and answers its number. */
  start(request: Request): number {
    const ref = this.nextRef++;
    this.send({ ...request, ref } as ClientFrame);
    return ref;
  }

  /** What a request was answered. */
  async answer(ref: number): Promise<Answer> {
    const find = () => this.frames.find((frame): frame is Answer => "ref" in frame && frame.ref === ref);
    await this.until(`the answer to request ${ref}`, () => find() !== undefined);
    return find() as Answer;
  }

  /** Sends a request; resolves with its answer, an error too. */
  ask(request: Request): Promise<Answer> {
    return this.answer(this.start(request));
  }

  /** Sends a request that has to be answered by a frame of this type. */
  async expect<T extends Answer["type"]>(type: T, request: Request): Promise<FrameOf<T>> {
    const answer = await this.ask(request);
    if (answer.type !== type) throw new Error(`${type} was expected, but came ${JSON.stringify(answer)}`);
    return answer as unknown as FrameOf<T>;
  }

  /** Sends a request that has to be refused. */
  refused(request: Request): Promise<ServerFrames["error"]> {
    return this.expect("error", request);
  }

  /** A text's frame without its number. */
  message(to: Recipient, text: string, { id = newId(), content_type = "text" }: Content = {}): Request {
    return { type: "send", id, ...to, content_type, content: bytesOf(text) };
  }

  /** Sends a text; resolves when it is acknowledged. */
  say(to: Recipient, text: string, content: Content = {}): Promise<Ack> {
    return this.expect("ack", this.message(to, text, content));
  }

  /** The first frame of a type, from a number of frames on, for which `match` holds. */
  async next<T extends ServerFrame["type"]>(
    type: T,
    match: (frame: FrameOf<T>) => boolean = () => true,
    from = 0,
  ): Promise<FrameOf<T>> {
    const find = () =>
      this.frames.slice(from).find((frame): frame is FrameOf<T> => frame.type === type && match(frame as FrameOf<T>));
    await this.until(`${type} for ${this.user}`, () => find() !== undefined);
    return find() as FrameOf<T>;
  }

  /** The frames of a type that have come. */
  all<T extends ServerFrame["type"]>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> => frame.type === type);
  }

  /** The texts of the messages that have come, in order. */
  get texts(): string[] {
    return this.all("message").map(({ content }) => new TextDecoder().decode(content));
  }

  /** Resolves when messages with these texts have come, in any order, among others. */
  async gets(...texts: readonly string[]): Promise<void> {
    await this.until(`${texts.at(-1)} for ${this.user}`, () => {
      const got = new Set(this.texts);
      return texts.every((text) => got.has(text));
    });
  }

  /** The greatest position that has come. */
  get position(): number {
    let position = 0;
    for (const frame of this.frames) {
      if ("position" in frame && frame.position !== undefined) position = Math.max(position, frame.position);
    }
    return position;
  }

  /** Tells the server that everything that came is kept; resolves when the server knows it. */
  async acknowledge(position = this.position): Promise<void> {
    this.send({ type: "receipt", position });
    await this.caughtUp();
  }

  /** Resolves when the server has seen everything sent before, and everything that it sent before has come. */
  async caughtUp(): Promise<ServerFrames["pong"]> {
    const from = this.frames.length;
    this.send({ type: "ping" });
    return this.next("pong", () => true, from);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await until(
      what,
      () => {
        if (condition()) return true;
        if (this.ended !== null) throw new Error(`closed with ${this.ended.code} ${this.ended.reason} before ${what}`);
        return false;
      },
      DEADLINE_MS,
    );
  }

  /** Resolves with the close code once the connection is gone. */
  async closed(patienceMs = DEADLINE_MS): Promise<number> {
    await until(`the end of ${this.user}'s connection`, () => this.ended !== null, patienceMs);
    return (this.ended as { code: number }).code;
  }

  /** Closes as a client that goes does. */
  async leave(): Promise<void> {
    this.socket.close(1000);
    await this.closed();
  }

  /** Cuts the connection. */
  async drop(): Promise<void> {
    this.socket.terminate();
    await this.closed();
  }
}
