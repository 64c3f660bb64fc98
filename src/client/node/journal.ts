import { type FileHandle, open } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import { ChatError } from "../../errors.js";

/** Begins every file: whose it is, and which form it has. */
const MAGIC = Buffer.from("sentseen.client.1\n");
const HEADER = 8;
/** What one append may leave torn at the end. More than that is damage. */
const LARGEST = 67_108_864;

/**
 * An append-only file of values. An append is durable when it resolves. A process that dies while it appends leaves a
 * torn end behind, which is cut off when the file is read again.
 */
export class Journal {
  private constructor(
    private readonly file: FileHandle,
    private length: number,
  ) {}

  /** Makes a file with nothing in it, whatever was there. */
  static async create(path: string): Promise<Journal> {
    const file = await open(path, "w");
    await file.write(MAGIC);
    await file.datasync();
    return new Journal(file, MAGIC.length);
  }

  /** Opens a file and hands out what is in it, in order. Rejects with `corrupt` where it's not such a file. */
  static async open(path: string, each: (value: unknown) => void): Promise<Journal> {
    const file = await open(path, "r+");
    try {
      const bytes = await file.readFile();
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
        throw new ChatError("corrupt", `${path} is another program's.`);
      const end = readAll(bytes, each);
      if (bytes.length - end > LARGEST) throw new ChatError("corrupt", `${path} is damaged at byte ${end}.`);
      if (end < bytes.length) {
        await file.truncate(end);
        await file.datasync();
      }
      return new Journal(file, end);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get size(): number {
    return this.length;
  }

  async append(value: unknown): Promise<void> {
    const bytes = encode(value);
    if (bytes.length > LARGEST) throw new ChatError("store_unavailable", "A step is too large.", { limit: LARGEST });
    try {
      await writeAll(this.file, bytes, this.length);
      await this.file.datasync();
    } catch (error) {
      // What has landed in part must not stand before what is appended next.
      await this.file.truncate(this.length);
      throw error;
    }
    this.length += bytes.length;
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

/** One value with its length and checksum before it. */
export function encode(value: unknown): Buffer {
  const body = serialize(value);
  const bytes = Buffer.allocUnsafe(HEADER + body.length);
  bytes.writeUInt32LE(body.length, 0);
  bytes.writeUInt32LE(crc32(body), 4);
  body.copy(bytes, HEADER);
  return bytes;
}

/** The value that begins at a place, and where it ends; null where none does, or not a whole one. */
export function decode(bytes: Buffer, at: number): { readonly value: unknown; readonly end: number } | null {
  if (at + HEADER > bytes.length) return null;
  const end = at + HEADER + bytes.readUInt32LE(at);
  // A file may have grown before its bytes were written: zeros are no value.
  if (end === at + HEADER || end > bytes.length) return null;
  const body = bytes.subarray(at + HEADER, end);
  if (crc32(body) !== bytes.readUInt32LE(at + 4)) return null;
  return { value: deserialize(body), end };
}

function readAll(bytes: Buffer, each: (value: unknown) => void): number {
  let at = MAGIC.length;
  for (let next = decode(bytes, at); next !== null; next = decode(bytes, at)) {
    each(next.value);
    at = next.end;
  }
  return at;
}

/** Writes all of the bytes at a place of a file. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}
