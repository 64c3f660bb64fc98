import type { Uuid } from "../model/ids.js";
import { type Entry, memoryOf } from "../model/message.js";
import type { FlushPart } from "../ports/flush-part.js";
import type { Offset } from "../ports/queue.js";
import type { HistoryRow, Storage, Write } from "../ports/storage.js";
import { entryFrom, entryValue } from "../ports/stored.js";

export interface HistoryPage {
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

export interface HistoryOptions {
  readonly storage: Pick<Storage, "history">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long an entry is kept, in milliseconds; null for ever; 0 for not at all. */
  readonly keepMs: number | null;
  /** Entries up to here may be shown. [R1] */
  readonly released: () => Offset;
}

interface Kept {
  readonly entry: Entry;
  readonly offset: Offset;
}

export interface HistoryRange {
  readonly after: number;
  readonly before: number;
  readonly limit: number;
  /** The last entries of the range instead of the first. */
  readonly last: boolean;
}

/** About how many bytes one answer carries: a page of the largest messages there may be would fill the memory. */
const PAGE_BYTES = 1024 * 1024;
/** Rows that are read at a time. */
const CHUNK = 32;

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

  /**
   * Entries with after < seq < before: the first ones, or the last ones, ascending, as many as `limit` and a page's
   * bytes allow, one at least; and whether there are more.
   */
  async read(conversation: Uuid, range: HistoryRange): Promise<HistoryPage> {
    const { released } = this.options;
    // Looked at before the read and after it: what a flush takes away in between may be missing in what was read.
    const pendingBefore = this.pending.get(conversation) ?? [];
    const { rows, after, before, more } = await this.stored(conversation, range);
    const bySeq = new Map(rows.map((row) => [row.seq, entryFrom(row.value)]));
    for (const { entry, offset } of [...pendingBefore, ...(this.pending.get(conversation) ?? [])]) {
      if (offset <= released() && entry.seq > after && entry.seq < before) bySeq.set(entry.seq, entry);
    }
    const entries = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
    const page = onePage(entries, range);
    return { entries: page, more: more || page.length < entries.length };
  }

  /**
   * One row more than was asked for, or as many as make up a page's bytes. Where there are `more`, nothing is known of
   * what is beyond the bounds answered.
   */
  private async stored(
    conversation: Uuid,
    { after, before, limit, last }: HistoryRange,
  ): Promise<{ rows: HistoryRow[]; after: number; before: number; more: boolean }> {
    const { storage } = this.options;
    const rows: HistoryRow[] = [];
    for (let bytes = 0; rows.length <= limit && bytes <= PAGE_BYTES; ) {
      const wanted = Math.min(CHUNK, limit + 1 - rows.length);
      const chunk = last
        ? await storage.history(conversation, after, rows[0]?.seq ?? before, wanted, true)
        : await storage.history(conversation, rows.at(-1)?.seq ?? after, before, wanted, false);
      rows.splice(last ? 0 : rows.length, 0, ...chunk);
      if (chunk.length < wanted) return { rows, after, before, more: false };
      for (const { value } of chunk) bytes += value.length;
    }
    const [first, end] = [rows[0] as HistoryRow, rows.at(-1) as HistoryRow];
    return last ? { rows, after: first.seq - 1, before, more: true } : { rows, after, before: end.seq + 1, more: true };
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

/** As many entries, from the end that is asked for, as fit in one answer. */
function onePage(entries: readonly Entry[], { limit, last }: HistoryRange): Entry[] {
  const page: Entry[] = [];
  let bytes = 0;
  for (const entry of last ? entries.toReversed() : entries) {
    bytes += memoryOf(entry);
    if (page.length === limit || (page.length > 0 && bytes > PAGE_BYTES)) break;
    page.push(entry);
  }
  return last ? page.reverse() : page;
}
