import type { ClientFrame, ServerFrame } from "./frames.js";
import { JSON_CLIENT, JSON_SERVER } from "./json-codec.js";
import { type CodecOptions, MSGPACK_CLIENT, msgpackServer } from "./msgpack-codec.js";
import { type Codec, JSON_TEXT, type SubProtocol } from "./sub-protocol.js";

export type { CodecOptions, Envelope } from "./msgpack-codec.js";
export { type Codec, type Decoded, JSON_TEXT, MSGPACK, SUB_PROTOCOLS, type SubProtocol } from "./sub-protocol.js";

/** What a server reads and writes. Keeps no state between frames, so one serves all connections. */
export function serverCodec(name: SubProtocol, options: CodecOptions = {}): Codec<ClientFrame, ServerFrame> {
  return name === JSON_TEXT ? JSON_SERVER : msgpackServer(options);
}

/** What a client reads and writes: the same one for all clients of the process. */
export function clientCodec(name: SubProtocol): Codec<ServerFrame, ClientFrame> {
  return name === JSON_TEXT ? JSON_CLIENT : MSGPACK_CLIENT;
}
