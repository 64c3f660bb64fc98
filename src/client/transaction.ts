import type { Uuid } from "../model/ids.js";
import type { StoredEntry } from "./message.js";
import type { ClientStore, ConversationRow, EntryRange, Meta, OutboxRow, StoreStep } from "./stores/store.js";

/** What the client holds of its store: the same as the store, as far as steps have landed. */
export interface LocalState {
  meta: Meta;
  /** By id, in the order of sending. */
  readonly outbox: Map<Uuid, OutboxRow>;
  /** About how many bytes the outbox holds. */
  outboxBytes: number;
  /** How many commands of each conversation are in the outbox. */
  readonly waiting: Map<Uuid, number>;
  readonly conversations: Map<Uuid, ConversationRow>;
}

/** Named values of a layer above, read and written in the step that they belong to. */
export interface Records {
  get(name: string): Promise<unknown>;
  put(name: string, value: unknown): void;
}

/**
 * The next step of the store while it is being made. Reads see what was written before in the same step; nothing of
 * it is in the state until the store has it. What is to be told when it has landed is given to `after`.
 */
export interface Transaction extends Records {
  meta: Meta;
  /** Commands of the outbox, and about how many bytes they hold, those of this step too. */
  waiting(): { readonly commands: number; readonly bytes: number };
  command(id: Uuid): OutboxRow | undefined;
  /** Whether a command of the conversation is in the outbox. */
  isWaiting(conversation: Uuid): boolean;
  queue(row: OutboxRow): void;
  /** A command leaves the outbox. */
  answer(row: OutboxRow): void;
  conversation(conversation: Uuid): ConversationRow | undefined;
  putConversation(row: ConversationRow): void;
  putEntry(entry: StoredEntry): void;
  /** Drops every entry of a conversation, those of this step too. */
  forget(conversation: Uuid): void;
  entries(range: EntryRange): Promise<StoredEntry[]>;
  /** Calls back once the step has landed, in order; the next step waits for it. */
  after(effect: () => void | Promise<void>): void;

  /** About how many bytes the step has. */
  size(): number;
  /** What the store has to do; null where nothing changed. Nothing is added afterwards. */
  step(): StoreStep | null;
  /** Makes the state what the store now is. */
  land(): void;
  /** Tells what was to be told, all of it. Rejects with the first failure. */
  tell(): Promise<void>;
}

export function createTransaction(state: LocalState, store: ClientStore): Transaction {
  const queued = new Map<Uuid, OutboxRow>();
  const answered = new Map<Uuid, OutboxRow>();
  const rows = new Map<Uuid, ConversationRow>();
  const forgotten = new Set<Uuid>();
  const written = new Map<Uuid, Map<number, StoredEntry>>();
  const records = new Map<string, unknown>();
  const effects: (() => void | Promise<void>)[] = [];
  let queuedBytes = 0;
  let size = 0;

  const tx: Transaction = {
    meta: state.meta,
    waiting: () => ({ commands: state.outbox.size + queued.size, bytes: state.outboxBytes + queuedBytes }),
    command: (id) => (answered.has(id) ? undefined : (queued.get(id) ?? state.outbox.get(id))),
    isWaiting(conversation) {
      let count = state.waiting.get(conversation) ?? 0;
      for (const row of queued.values()) if (row.conversation === conversation) count++;
      for (const row of answered.values()) if (row.conversation === conversation) count--;
      return count > 0;
    },
    queue(row) {
      queued.set(row.id, row);
      queuedBytes += sizeOf(row);
      size += sizeOf(row);
    },
    answer(row) {
      answered.set(row.id, row);
      size++;
    },
    conversation: (conversation) => rows.get(conversation) ?? state.conversations.get(conversation),
    putConversation(row) {
      rows.set(row.conversation, row);
      size += 256;
    },
    putEntry(entry) {
      const entries = written.get(entry.conversation) ?? new Map();
      written.set(entry.conversation, entries.set(entry.seq, entry));
      size += entry.type === "message" ? 256 + entry.content.length : 256;
    },
    forget(conversation) {
      forgotten.add(conversation);
      written.delete(conversation);
      size++;
    },
    async entries(range) {
      const { conversation, after, before, limit, last } = range;
      const stored = forgotten.has(conversation) ? [] : await store.entries(range);
      const own = [...(written.get(conversation)?.values() ?? [])].filter(({ seq }) => seq > after && seq < before);
      return mergeEntries([...stored, ...own], limit, last);
    },
    async get(name) {
      return records.has(name) ? records.get(name) : store.record(name);
    },
    put(name, value) {
      records.set(name, value);
      size += 256;
    },
    after: (effect) => void effects.push(effect),
    size: () => size,
    step() {
      if (size === 0 && tx.meta === state.meta) return null;
      tx.meta = { ...tx.meta, step: state.meta.step + 1 };
      return {
        meta: tx.meta,
        queued: [...queued.values()].filter(({ id }) => !answered.has(id)),
        answered: [...answered.values()].filter(({ id }) => !queued.has(id)).map(({ order }) => order),
        conversations: [...rows.values()],
        forgotten: [...forgotten],
        entries: [...written.values()].flatMap((entries) => [...entries.values()]),
        records,
      };
    },
    land() {
      state.meta = tx.meta;
      for (const row of queued.values()) addToOutbox(state, row);
      for (const row of answered.values()) removeFromOutbox(state, row);
      for (const [id, row] of rows) state.conversations.set(id, row);
    },
    async tell() {
      const failures: unknown[] = [];
      for (const effect of effects) {
        try {
          await effect();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
  return tx;
}

export function addToOutbox(state: LocalState, row: OutboxRow): void {
  state.outbox.set(row.id, row);
  state.outboxBytes += sizeOf(row);
  state.waiting.set(row.conversation, (state.waiting.get(row.conversation) ?? 0) + 1);
}

function removeFromOutbox(state: LocalState, row: OutboxRow): void {
  state.outbox.delete(row.id);
  state.outboxBytes -= sizeOf(row);
  const left = (state.waiting.get(row.conversation) ?? 1) - 1;
  if (left > 0) state.waiting.set(row.conversation, left);
  else state.waiting.delete(row.conversation);
}

/** Entries of a conversation in order, the later one of two at the same seq; the first ones, or the last ones. */
export function mergeEntries(entries: Iterable<StoredEntry>, limit: number, last: boolean): StoredEntry[] {
  const bySeq = new Map<number, StoredEntry>();
  for (const entry of entries) bySeq.set(entry.seq, entry);
  const sorted = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
  return last ? sorted.slice(-limit) : sorted.slice(0, limit);
}

/** About how many bytes a command holds. */
export function sizeOf({ frame, plain }: OutboxRow): number {
  let size = 512 + (plain?.length ?? 0);
  if (frame.type === "send") {
    size += frame.content.length;
    for (const [, bytes] of frame.envelopes ?? []) size += bytes.length;
  }
  return size;
}
