import { type Uuid, uuidFromBytes, uuidToBytes } from "../model/ids.js";

/** How UUIDs get out of bytes and into them. */
export interface UuidBytes {
  /** The text of the UUID in the 16 bytes at `at`. */
  read(bytes: Uint8Array, at: number): Uuid;
  /** Writes the 16 bytes of a UUID at `at` of `bytes`, seen through `view`. Answers false for a text that is none. */
  write(uuid: Uuid, bytes: Uint8Array, view: DataView, at: number): boolean;
}

/** In little code, for a browser. */
export const PLAIN_UUIDS: UuidBytes = {
  read: uuidFromBytes,
  write: (uuid, bytes, _view, at) => uuidToBytes(uuid, bytes, at),
};
