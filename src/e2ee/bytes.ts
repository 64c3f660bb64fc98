import { ChatError } from "../errors.js";
import { type UserId, type Uuid, uuidFromBytes, uuidToBytes } from "../model/ids.js";

/** Who a key belongs to. The one name by which keys and sessions are kept; other names are resolved before. */
export interface Address {
  readonly user: UserId;
  readonly device: Uuid;
}

export const U32_MAX = 0xffff_ffff;
const UTF8 = new TextEncoder();
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return UTF8.encode(text);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Four bytes, big-endian. */
export function u32(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}

/** Eight bytes, big-endian: a time in milliseconds since 1970, or another safe integer from 0. */
export function u64(value: number): Uint8Array {
  return concat(u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32));
}

/** Bytes behind their length, so that what follows can't be taken for a part of them. */
export function prefixed(part: Uint8Array): Uint8Array {
  return concat(u32(part.length), part);
}

/** Throws `invalid` for a text that is no UUID in canonical form. */
export function uuidBytes(id: Uuid): Uint8Array {
  const bytes = new Uint8Array(16);
  if (!uuidToBytes(id, bytes, 0)) throw new ChatError("invalid", "id: not a UUID", { field: "id" });
  return bytes;
}

export function addressBytes({ user, device }: Address): Uint8Array {
  return concat(prefixed(utf8(user)), uuidBytes(device));
}

/** Reads fixed layouts. Whatever is shorter than it should be throws `malformed`, naming the part. */
export class Reader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The next `length` bytes, as a copy that keeps nothing else alive. */
  take(length: number, field: string): Uint8Array {
    if (this.at + length > this.bytes.length) throw malformed(field, "too short");
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }

  u8(field: string): number {
    return this.take(1, field)[0] as number;
  }

  u32(field: string): number {
    const [a, b, c, d] = this.take(4, field) as unknown as [number, number, number, number];
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  }

  u64(field: string): number {
    const value = this.u32(field) * 2 ** 32 + this.u32(field);
    if (!Number.isSafeInteger(value)) throw malformed(field, "too large");
    return value;
  }

  /** Bytes behind their length, of which there are at most `most`. */
  prefixed(most: number, field: string): Uint8Array {
    const length = this.u32(field);
    if (length > most) throw malformed(field, `at most ${most} bytes`);
    return this.take(length, field);
  }

  text(most: number, field: string): string {
    const bytes = this.prefixed(most, field);
    try {
      return TEXT.decode(bytes);
    } catch {
      throw malformed(field, "not UTF-8");
    }
  }

  uuid(field: string): Uuid {
    return uuidFromBytes(this.take(16, field), 0);
  }

  rest(): Uint8Array {
    const rest = this.bytes.slice(this.at);
    this.at = this.bytes.length;
    return rest;
  }

  /** What was read so far. */
  read(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  /** Nothing may follow. */
  end(field: string): void {
    if (this.at !== this.bytes.length) throw malformed(field, "more bytes than there should be");
  }
}

export function malformed(field: string, what: string): ChatError {
  return new ChatError("malformed", `${field}: ${what}`, { field });
}
