import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ChatError } from "sentseen/ports";

/** Reads the pages of a data file by their numbers, past LMDB and its memory map. */
export class PageFile {
  readonly path: string;
  readonly #fd: number;
  readonly #size: number;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "r");
    this.#size = fstatSync(this.#fd).size;
  }

  /** The bytes at a place; throws `corrupt` where the file ends before. `what` names them. */
  read(at: number, length: number, what: string): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    if (at + length > this.#size || readSync(this.#fd, bytes, 0, length, at) !== length) {
      throw this.damaged(`it ends after ${this.#size} bytes, before the end of ${what}`);
    }
    return bytes;
  }

  /** Throws `corrupt` unless the file goes at least so far. */
  mustReach(end: number, what: string): void {
    if (end > this.#size) throw this.damaged(`it ends after ${this.#size} bytes, before the end of ${what}`);
  }

  damaged(how: string): ChatError {
    return new ChatError("corrupt", `The data file ${this.path} is damaged or not of this program: ${how}.`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
