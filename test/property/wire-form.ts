import { Packr } from "msgpackr";
import { JSON_TEXT, type SubProtocol } from "../../src/protocol/codec.js";

// Frames written by general encoders, so that nothing of ours stands between a test and the bytes.

export const packr = new Packr({ useRecords: false, variableMapSize: true });

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A frame as it looks to a general MessagePack decoder: UUIDs are 16 bytes. */
export function onTheWire(value: unknown): unknown {
  if (typeof value === "string" && UUID.test(value)) return Buffer.from(value.replaceAll("-", ""), "hex");
  return mapped(value, (bytes) => Buffer.from(bytes), onTheWire);
}

/** A frame as it looks to `JSON.stringify`: bytes are base64url. */
function inJson(value: unknown): unknown {
  return mapped(value, (bytes) => Buffer.from(bytes).toString("base64url"), inJson);
}

function mapped(value: unknown, ofBytes: (bytes: Uint8Array) => unknown, ofItem: (item: unknown) => unknown): unknown {
  if (value instanceof Uint8Array) return ofBytes(value);
  if (Array.isArray(value)) return value.map(ofItem);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, ofItem(item)]));
}

/** One message of one sub-protocol. Values that no frame may have are written as they are. */
export function written(name: SubProtocol, value: unknown): Uint8Array | string {
  return name === JSON_TEXT ? JSON.stringify(inJson(value)) : packr.pack(onTheWire(value));
}
