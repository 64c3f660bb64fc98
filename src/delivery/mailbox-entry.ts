import { type Entry, memoryOf } from "../model/message.js";
import type { Offset } from "../ports/queue.js";

/** An entry at its place in mailboxes. One object stands in the mailboxes of all who get it at this place. */
export class MailboxEntry {
  /** The bytes that go to sockets, made once for all that get the same, by name of sub-protocol. */
  readonly framed = new Map<string, Uint8Array>();

  constructor(
    readonly position: Offset,
    readonly entry: Entry,
  ) {}

  /** About how many bytes of memory it holds. */
  get size(): number {
    return memoryOf(this.entry);
  }
}
