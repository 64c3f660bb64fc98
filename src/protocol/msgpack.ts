export { MsgpackReader } from "./msgpack-reader.js";
export { type Allocate, MsgpackWriter } from "./msgpack-writer.js";
