import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { ChatError } from "../../errors.js";
import type { Uuid } from "../../model/ids.js";
import type { StoredEntry } from "../message.js";
import type { EntryRange } from "../stores/store.js";
import { decode, encode, writeAll } from "./journal.js";

/** Bytes of an index for one seq: where the entry begins (6) and how long it is (4). */
const SLOT = 10;
/** Slots that are read at a time. */
const WINDOW = 1_024;

interface Found {
  readonly at: number;
  readonly length: number;
}

/**
 * The entries of all conversations, each in two files: one that entries are appended to, and an index with a slot for
 * each seq. Both are only written from what the journal holds, and may be written again: an index names an entry
 * after the entry is durable.
 */
export class HistoryFiles {
  constructor(private readonly directory: string) {}

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
  }

  /** Adds entries, or replaces what was at their seq. */
  async write(conversation: Uuid, entries: Iterable<StoredEntry>): Promise<void> {
    const data = await open(this.path(conversation, "entries"), "a+");
    const index = await openOrCreate(this.path(conversation, "index"));
    try {
      let at = (await data.stat()).size;
      const slots: [seq: number, slot: Buffer][] = [];
      const parts: Buffer[] = [];
      for (const entry of entries) {
        const bytes = encode(entry);
        const slot = Buffer.alloc(SLOT);
        slot.writeUIntLE(at, 0, 6);
        slot.writeUInt32LE(bytes.length, 6);
        slots.push([entry.seq, slot]);
        parts.push(bytes);
        at += bytes.length;
      }
      await data.appendFile(Buffer.concat(parts));
      await data.datasync();
      for (const [seq, slot] of slots) await writeAll(index, slot, seq * SLOT);
      await index.datasync();
    } finally {
      await data.close();
      await index.close();
    }
  }

  async forget(conversation: Uuid): Promise<void> {
    // The index goes first: without it the entries are nobody's.
    await rm(this.path(conversation, "index"), { force: true });
    await rm(this.path(conversation, "entries"), { force: true });
  }

  async read(range: EntryRange): Promise<StoredEntry[]> {
    const index = await openExisting(this.path(range.conversation, "index"));
    if (index === null) return [];
    const data = await open(this.path(range.conversation, "entries"), "r");
    try {
      const entries: StoredEntry[] = [];
      for (const found of await find(index, range)) entries.push(await readEntry(data, found));
      return entries;
    } finally {
      await index.close();
      await data.close();
    }
  }

  private path(conversation: Uuid, kind: "entries" | "index"): string {
    return join(this.directory, `${conversation}.${kind}`);
  }
}

/** Where the entries of a range are, ascending. */
async function find(index: FileHandle, { after, before, limit, last }: EntryRange): Promise<Found[]> {
  const end = Math.min(before, Math.floor((await index.stat()).size / SLOT));
  const found: Found[] = [];
  let from = after + 1;
  let to = end;
  while (from < to && found.length < limit) {
    const begin = last ? Math.max(from, to - WINDOW) : from;
    const slots = await readSlots(index, begin, Math.min(to, begin + WINDOW));
    if (last) {
      found.unshift(...slots.slice(-(limit - found.length)));
      to = begin;
    } else {
      found.push(...slots.slice(0, limit - found.length));
      from = begin + WINDOW;
    }
  }
  return found;
}

async function readSlots(index: FileHandle, from: number, to: number): Promise<Found[]> {
  const bytes = Buffer.alloc((to - from) * SLOT);
  await index.read(bytes, 0, bytes.length, from * SLOT);
  const found: Found[] = [];
  for (let at = 0; at < bytes.length; at += SLOT) {
    const length = bytes.readUInt32LE(at + 6);
    if (length > 0) found.push({ at: bytes.readUIntLE(at, 6), length });
  }
  return found;
}

async function readEntry(data: FileHandle, { at, length }: Found): Promise<StoredEntry> {
  const bytes = Buffer.alloc(length);
  await data.read(bytes, 0, length, at);
  const decoded = decode(bytes, 0);
  if (decoded === null) throw new ChatError("corrupt", "An entry of the history is damaged.");
  return decoded.value as StoredEntry;
}

async function openExisting(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  await (await open(path, "a")).close();
  return open(path, "r+");
}
