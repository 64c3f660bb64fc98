import { ChatError } from "../errors.js";
import { CLIENT_FRAMES, type ClientFrame, type FrameDoc, FRAMES_PER_MESSAGE, SERVER_FRAMES, type ServerFrame } from "./frames.js";
import { checkJsonShape } from "./json-bounds.js";
import { MsgpackReader, MsgpackWriter } from "./msgpack.js";
import { findText, isObject, Shape } from "./schema.js";

export const MSGPACK = "sentseen.v1.msgpack";
export const JSON_TEXT = "sentseen.v1.json";

/** The sub-protocols that a server takes, the preferred one first. */
export const SUB_PROTOCOLS = [MSGPACK, JSON_TEXT] as const;
export type SubProtocol = (typeof SUB_PROTOCOLS)[number];

/** What one received frame came to: a frame, or an error with the number of the request that it answers. */
export type Decoded<In> = { readonly frame: In; readonly error?: never } | { readonly error: ChatError; readonly ref?: number };

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

type Shapes = ReadonlyMap<string, Shape<Record<string, unknown>>>;

function shapesOf(frames: Readonly<Record<string, FrameDoc>>): Shapes {
  return new Map(Object.entries(frames).map(([type, { fields }]) => [type, new Shape(fields)]));
}

const CLIENT_SHAPES = shapesOf(CLIENT_FRAMES);
const SERVER_SHAPES = shapesOf(SERVER_FRAMES);
const TYPE_KEY = Uint8Array.of(0xa4, 0x74, 0x79, 0x70, 0x65);

function shapeOf(shapes: Shapes, type: unknown): Shape<Record<string, unknown>> {
  const shape = typeof type === "string" ? shapes.get(type) : undefined;
  if (shape === undefined) throw new ChatError("unknown_type", undefined, { field: "type" });
  return shape;
}

/** Turns what a frame's schema throws into an error that answers the frame's request; `malformed` goes on up. */
function failed<In>(error: unknown, ref: unknown): Decoded<In> {
  if (!(error instanceof ChatError) || error.code === "malformed") throw error;
  return Number.isSafeInteger(ref) && (ref as number) >= 0 ? { error, ref: ref as number } : { error };
}

function msgpackCodec<In extends Typed, Out extends Typed>(incoming: Shapes, outgoing: Shapes): Codec<In, Out> {
  const writer = new MsgpackWriter();

  function decodeOne(reader: MsgpackReader): Decoded<In> {
    const from = reader.pos;
    const pairs = reader.map();
    if (pairs === null) throw new ChatError("malformed", "A frame is a map.");
    const body = reader.pos;
    reader.pos = from;
    const type = findText(reader, "type");
    reader.pos = body;
    const frame: Record<string, unknown> = { type };
    try {
      shapeOf(incoming, type).read(reader, pairs, frame, "");
      return { frame: frame as unknown as In };
    } catch (error) {
      reader.pos = from;
      const ref = findUint(reader, "ref");
      reader.pos = from;
      reader.skip();
      return failed(error, ref);
    }
  }

  return {
    name: MSGPACK,
    encode(frame) {
      const shape = shapeOf(outgoing, frame.type);
      shape.writeHeader(writer, frame as unknown as Record<string, unknown>, 1);
      writer.raw(TYPE_KEY);
      writer.text(frame.type);
      shape.write(writer, frame as unknown as Record<string, unknown>);
      return writer.take();
    },
    decode(message) {
      if (typeof message === "string") throw new ChatError("malformed", `${MSGPACK} is binary.`);
      const reader = new MsgpackReader(message);
      const count = reader.array();
      if (count === null) {
        const only = decodeOne(reader);
        if (!reader.atEnd) throw new ChatError("malformed");
        return [only];
      }
      if (count > FRAMES_PER_MESSAGE) throw tooManyFrames();
      const frames: Decoded<In>[] = [];
      for (let i = 0; i < count; i++) frames.push(decodeOne(reader));
      if (!reader.atEnd) throw new ChatError("malformed");
      return frames;
    },
  };
}

function findUint(reader: MsgpackReader, wanted: string): number | null {
  const pairs = reader.map() ?? 0;
  for (let i = 0; i < pairs; i++) {
    const length = reader.textLength();
    if (length === null) return null;
    const key = length === wanted.length ? reader.takeText(length) : "";
    if (key === "") reader.pos += length;
    if (key === wanted) return reader.uint();
    reader.skip();
  }
  return null;
}

function tooManyFrames(): ChatError {
  return new ChatError("malformed", `At most ${FRAMES_PER_MESSAGE} frames in a message.`, { limit: FRAMES_PER_MESSAGE });
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function jsonCodec<In extends Typed, Out extends Typed>(incoming: Shapes, outgoing: Shapes): Codec<In, Out> {
  function decodeOne(value: unknown): Decoded<In> {
    if (!isObject(value)) throw new ChatError("malformed", "A frame is an object.");
    try {
      const frame: Record<string, unknown> = { type: value.type };
      shapeOf(incoming, value.type).fromJson(value, frame, "");
      return { frame: frame as unknown as In };
    } catch (error) {
      return failed(error, value.ref);
    }
  }

  return {
    name: JSON_TEXT,
    encode(frame) {
      const shape = shapeOf(outgoing, frame.type);
      return JSON.stringify(shape.toJson(frame as unknown as Record<string, unknown>, { type: frame.type }));
    },
    decode(message) {
      let value: unknown;
      try {
        const text = typeof message === "string" ? message : utf8.decode(message);
        checkJsonShape(text);
        value = JSON.parse(text);
      } catch (cause) {
        throw cause instanceof ChatError ? cause : new ChatError("malformed", undefined, { cause });
      }
      if (!Array.isArray(value)) return [decodeOne(value)];
      if (value.length > FRAMES_PER_MESSAGE) throw tooManyFrames();
      return value.map(decodeOne);
    },
  };
}

/** What a server reads and writes. */
export function serverCodec(name: SubProtocol): Codec<ClientFrame, ServerFrame> {
  return name === MSGPACK ? msgpackCodec(CLIENT_SHAPES, SERVER_SHAPES) : jsonCodec(CLIENT_SHAPES, SERVER_SHAPES);
}

/** What a client reads and writes. */
export function clientCodec(name: SubProtocol): Codec<ServerFrame, ClientFrame> {
  return name === MSGPACK ? msgpackCodec(SERVER_SHAPES, CLIENT_SHAPES) : jsonCodec(SERVER_SHAPES, CLIENT_SHAPES);
}
