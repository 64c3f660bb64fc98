import { ChatError, isChatError } from "../errors.js";
import { FRAMES_PER_MESSAGE } from "./bounds.js";
import { isObject } from "./composites.js";
import { Fault } from "./fault.js";
import { CLIENT_FRAMES, type ClientFrame, type FrameDoc, SERVER_FRAMES, type ServerFrame } from "./frames.js";
import { checkJsonShape } from "./json-bounds.js";
import { MsgpackReader } from "./msgpack-reader.js";
import { type Allocate, MsgpackWriter } from "./msgpack-writer.js";
import { oneOf } from "./scalars.js";
import { seekKey } from "./seek-key.js";
import { Shape } from "./shape.js";
import { TextTable } from "./text-table.js";

export const MSGPACK = "sentseen.v1.msgpack";
export const JSON_TEXT = "sentseen.v1.json";

/** The sub-protocols that a server takes, the preferred one first. */
export const SUB_PROTOCOLS = [MSGPACK, JSON_TEXT] as const;
export type SubProtocol = (typeof SUB_PROTOCOLS)[number];

/** What one received frame came to: a frame, or an error with the number of the request that it answers. */
export type Decoded<In> =
  | { readonly frame: In; readonly error?: never }
  | { readonly error: ChatError; readonly ref?: number };

/** Frames of one direction in, of the other out, in one sub-protocol. */
export interface Codec<In, Out> {
  readonly name: SubProtocol;
  /** One WebSocket message for one frame. */
  encode(frame: Out): Uint8Array | string;
  /**
   * The frames of one WebSocket message: one or an array. A frame that doesn't fit its schema becomes an error in its
   * place; bytes that are no frames at all throw `malformed`.
   */
  decode(message: Uint8Array | string): Decoded<In>[];
}

interface Typed {
  readonly type: string;
}

type FrameShape = Shape<Typed>;

/** The frames of one direction. */
interface Vocabulary {
  readonly byType: ReadonlyMap<unknown, FrameShape>;
  readonly byBytes: TextTable<FrameShape>;
}

const utf8 = new TextEncoder();
const TYPE = utf8.encode("type");
const REF = utf8.encode("ref");

function vocabulary(frames: Readonly<Record<string, FrameDoc>>): Vocabulary {
  const shapes = Object.entries(frames).map(([type, { fields }]): [string, FrameShape] => [
    type,
    new Shape({ type: oneOf("Which frame it is.", [type]), ...fields }),
  ]);
  return { byType: new Map(shapes), byBytes: new TextTable(shapes) };
}

const FROM_CLIENTS = vocabulary(CLIENT_FRAMES);
const FROM_SERVERS = vocabulary(SERVER_FRAMES);

function unknownType(): never {
  throw new ChatError("unknown_type", undefined, { field: "type" });
}

/** Turns what a frame's schema throws into an error that answers the frame's request; `malformed` goes on up. */
function failed<In>(error: unknown, ref: unknown): Decoded<In> {
  const refusal = error instanceof Fault ? error.toError() : error;
  if (!isChatError(refusal) || refusal.code === "malformed") throw refusal;
  return Number.isSafeInteger(ref) && (ref as number) >= 0
    ? { error: refusal, ref: ref as number }
    : { error: refusal };
}

function msgpackCodec<In extends Typed, Out extends Typed>(
  incoming: Vocabulary,
  outgoing: Vocabulary,
  { allocate, envelope }: CodecOptions,
): Codec<In, Out> {
  const writer = new MsgpackWriter(undefined, allocate);

  function decodeOne(reader: MsgpackReader): Decoded<In> {
    const from = reader.pos;
    const pairs = reader.map();
    if (pairs === null) throw new ChatError("malformed", "A frame is a map.");
    const body = reader.pos;
    const shape = seekKey(reader, pairs, TYPE) ? reader.takeKnown(incoming.byBytes) : undefined;
    reader.pos = body;
    try {
      if (shape === undefined) return unknownType();
      return { frame: shape.read(reader, pairs) as In };
    } catch (error) {
      reader.pos = body;
      const ref = seekKey(reader, pairs, REF) ? reader.uint() : null;
      reader.pos = from;
      reader.skip();
      return failed(error, ref);
    }
  }

  return {
    name: MSGPACK,
    encode(frame) {
      writer.reset();
      if (envelope !== undefined) writer.reserve(envelope.headroom);
      const shape = outgoing.byType.get(frame.type) ?? unknownType();
      shape.write(writer, frame);
      return envelope === undefined ? writer.take() : envelope.seal(writer);
    },
    decode(message) {
      if (typeof message === "string") throw new ChatError("malformed", `${MSGPACK} is binary.`);
      const reader = new MsgpackReader(message);
      const count = reader.array();
      const frames: Decoded<In>[] = [];
      if (count === null) frames.push(decodeOne(reader));
      else if (count > FRAMES_PER_MESSAGE) throw tooManyFrames();
      for (let i = 0; i < (count ?? 0); i++) frames.push(decodeOne(reader));
      if (!reader.atEnd) throw new ChatError("malformed", "More bytes than the message has.");
      return frames;
    },
  };
}

function tooManyFrames(): ChatError {
  return new ChatError("malformed", `At most ${FRAMES_PER_MESSAGE} frames in a message.`, {
    limit: FRAMES_PER_MESSAGE,
  });
}

const utf8Text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function jsonCodec<In extends Typed, Out extends Typed>(incoming: Vocabulary, outgoing: Vocabulary): Codec<In, Out> {
  function decodeOne(value: unknown): Decoded<In> {
    if (!isObject(value)) throw new ChatError("malformed", "A frame is an object.");
    try {
      const shape = incoming.byType.get(value.type) ?? unknownType();
      return { frame: shape.fromJson(value) as In };
    } catch (error) {
      return failed(error, value.ref);
    }
  }

  return {
    name: JSON_TEXT,
    encode(frame) {
      const shape = outgoing.byType.get(frame.type) ?? unknownType();
      return JSON.stringify(shape.toJson(frame));
    },
    decode(message) {
      let value: unknown;
      try {
        const text = typeof message === "string" ? message : utf8Text.decode(message);
        checkJsonShape(text);
        value = JSON.parse(text);
      } catch (cause) {
        throw isChatError(cause) ? cause : new ChatError("malformed", undefined, { cause });
      }
      if (!Array.isArray(value)) return [decodeOne(value)];
      if (value.length > FRAMES_PER_MESSAGE) throw tooManyFrames();
      return value.map(decodeOne);
    },
  };
}

/** What goes around each MessagePack frame on its way out, in the same memory, so that nothing is copied. */
export interface Envelope {
  /** Bytes that are left free in front of the frame. */
  readonly headroom: number;
  /** Takes what was written, headroom and frame, and answers the bytes to send. */
  seal(writer: MsgpackWriter): Uint8Array;
}

export interface CodecOptions {
  /** Where MessagePack frames get their memory; plain Uint8Arrays by default. */
  readonly allocate?: Allocate;
  readonly envelope?: Envelope;
}

/** What a server reads and writes. Keeps no state between frames, so one serves all connections. */
export function serverCodec(name: SubProtocol, options: CodecOptions = {}): Codec<ClientFrame, ServerFrame> {
  if (name === JSON_TEXT) return jsonCodec(FROM_CLIENTS, FROM_SERVERS);
  return msgpackCodec(FROM_CLIENTS, FROM_SERVERS, options);
}

const CLIENT_CODECS: Readonly<Record<SubProtocol, Codec<ServerFrame, ClientFrame>>> = {
  [MSGPACK]: msgpackCodec(FROM_SERVERS, FROM_CLIENTS, {}),
  [JSON_TEXT]: jsonCodec(FROM_SERVERS, FROM_CLIENTS),
};

/** What a client reads and writes: the same one for all clients of the process. */
export function clientCodec(name: SubProtocol): Codec<ServerFrame, ClientFrame> {
  return CLIENT_CODECS[name];
}
