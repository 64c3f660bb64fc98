import { ChatError, isChatError } from "../errors.js";
import { FRAMES_PER_MESSAGE } from "./bounds.js";
import { CLIENT_FRAMES, type ClientFrame, type FrameDoc, SERVER_FRAMES, type ServerFrame } from "./frames.js";
import { checkJsonShape } from "./json-bounds.js";
import { fieldsFromJson, fieldsToJson, isObject } from "./json-value.js";
import { type Codec, type Decoded, failed, JSON_TEXT, type Typed, tooManyFrames, unknownType } from "./sub-protocol.js";

type Vocabulary = Readonly<Record<string, FrameDoc>>;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function fieldsOf(frames: Vocabulary, type: unknown): FrameDoc["fields"] {
  return (typeof type === "string" && Object.hasOwn(frames, type) ? frames[type] : undefined)?.fields ?? unknownType();
}

function jsonCodec<In extends Typed, Out extends Typed>(incoming: Vocabulary, outgoing: Vocabulary): Codec<In, Out> {
  function decodeOne(value: unknown): Decoded<In> {
    if (!isObject(value)) throw new ChatError("malformed", "A frame is an object.");
    const { type, ref } = value;
    try {
      return { frame: { type, ...fieldsFromJson(fieldsOf(incoming, type), value) } as unknown as In };
    } catch (error) {
      return failed(error, ref);
    }
  }

  return {
    name: JSON_TEXT,
    encode(frame) {
      const { type, ...rest } = frame;
      return JSON.stringify({ type, ...fieldsToJson(fieldsOf(outgoing, type), rest) });
    },
    decode(message) {
      let value: unknown;
      try {
        const text = typeof message === "string" ? message : utf8.decode(message);
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

/** What a server reads and writes as JSON. */
export const JSON_SERVER: Codec<ClientFrame, ServerFrame> = jsonCodec(CLIENT_FRAMES, SERVER_FRAMES);

/** What a client reads and writes as JSON. */
export const JSON_CLIENT: Codec<ServerFrame, ClientFrame> = jsonCodec(SERVER_FRAMES, CLIENT_FRAMES);
