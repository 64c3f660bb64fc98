import { ChatError } from "../errors.js";
import { FRAMES_PER_MESSAGE } from "./bounds.js";
import { CLIENT_FRAMES, type ClientFrame, type FrameDoc, SERVER_FRAMES, type ServerFrame } from "./frames.js";
import { MsgpackReader } from "./msgpack-reader.js";
import { type Allocate, MsgpackWriter } from "./msgpack-writer.js";
import { oneOf } from "./scalars.js";
import { seekKey } from "./seek-key.js";
import { Shape } from "./shape.js";
import { type Codec, type Decoded, failed, MSGPACK, type Typed, tooManyFrames, unknownType } from "./sub-protocol.js";
import { TextTable } from "./text-table.js";
import type { UuidBytes } from "./uuid-bytes.js";

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
  /** How UUIDs are read and written; in little code by default. */
  readonly uuids?: UuidBytes;
}

function msgpackCodec<In extends Typed, Out extends Typed>(
  incoming: Vocabulary,
  outgoing: Vocabulary,
  { allocate, envelope, uuids }: CodecOptions,
): Codec<In, Out> {
  const writer = new MsgpackWriter(undefined, allocate, uuids);

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
      const reader = new MsgpackReader(message, uuids);
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

/** What a server reads and writes as MessagePack. */
export function msgpackServer(options: CodecOptions = {}): Codec<ClientFrame, ServerFrame> {
  return msgpackCodec(FROM_CLIENTS, FROM_SERVERS, options);
}

/** What a client reads and writes as MessagePack: the same one for all clients of the process. */
export const MSGPACK_CLIENT: Codec<ServerFrame, ClientFrame> = msgpackCodec(FROM_SERVERS, FROM_CLIENTS, {});
