import { type Entry, memoryOf } from "../model/message.js";
import type { Offset } from "../ports/queue.js";

/** An entry at its place in mailboxes. One object stands in the mailboxes of all who get it at this place. */
export class MailboxEntry {
  constructor(
    readonly position: Offset,
    readonly entry: Entry,
  ) {}

  /** About how many bytes of memory it holds. */
  get size(): number {
    return memoryOf(this.entry);
  }
}
