import type { Uuid } from "../model/ids.js";
import { type Entry, memoryOf } from "../model/message.js";
import type { FlushPart } from "../ports/flush-part.js";
import type { Offset } from "../ports/queue.js";
import type { Storage, Write } from "../ports/storage.js";
import { entryFrom, entryValue } from "../ports/stored.js";

export interface HistoryOptions {
  readonly storage: Pick<Storage, "history">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long an entry is kept, in milliseconds; null for ever; 0 for not at all. */
  readonly keepMs: number | null;
}

interface Kept {
  readonly entry: Entry;
  readonly offset: Offset;
}

/** The conversations' history, where it is kept: what is stored, joined with what isn't yet. [R1] */
export class History implements FlushPart {
  /** About how many bytes the entries take that aren't in storage yet. */
  bytes = 0;
  private readonly pending = new Map<Uuid, Kept[]>();

  constructor(private readonly options: HistoryOptions) {}

  get kept(): boolean {
    return this.options.keepMs !== 0;
  }

  add(entry: Entry, offset: Offset): void {
    if (!this.kept) return;
    this.bytes += memoryOf(entry);
    const entries = this.pending.get(entry.conversation);
    if (entries === undefined) this.pending.set(entry.conversation, [{ entry, offset }]);
    else entries.push({ entry, offset });
  }

  /** Entries with after < seq < before: the first ones, or the last ones, ascending, and whether there are more. */
  async read(
    conversation: Uuid,
    range: { readonly after: number; readonly before: number; readonly limit: number; readonly last: boolean },
    released: () => Offset,
  ): Promise<{ entries: Entry[]; more: boolean }> {
    const { after, before, limit, last } = range;
    // Looked at before the read and after it: what a flush takes away in between may be missing in what was read.
    const pendingBefore = this.pending.get(conversation) ?? [];
    const rows = await this.options.storage.history(conversation, after, before, limit + 1, last);
    const bySeq = new Map(rows.map((row) => [row.seq, entryFrom(row.value)]));
    for (const { entry, offset } of [...pendingBefore, ...(this.pending.get(conversation) ?? [])]) {
      if (offset <= released() && entry.seq > after && entry.seq < before) bySeq.set(entry.seq, entry);
    }
    const entries = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
    const page = last ? entries.slice(-limit) : entries.slice(0, limit);
    return { entries: page, more: entries.length > limit };
  }

  collect(upTo: Offset): Write[] {
    const expires_at = this.options.keepMs === null ? null : this.options.now() + this.options.keepMs;
    const writes: Write[] = [];
    for (const [conversation, entries] of this.pending) {
      for (const { entry, offset } of entries) {
        if (offset > upTo) break;
        writes.push({ kind: "history", conversation, seq: entry.seq, value: entryValue(entry), offset, expires_at });
      }
    }
    return writes;
  }

  landed(upTo: Offset): void {
    for (const [conversation, entries] of this.pending) {
      const left = entries.filter(({ offset }) => offset > upTo);
      for (const { entry, offset } of entries) if (offset <= upTo) this.bytes -= memoryOf(entry);
      if (left.length === 0) this.pending.delete(conversation);
      else this.pending.set(conversation, left);
    }
  }
}
