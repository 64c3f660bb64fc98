import { ChatError } from "../../errors.js";
import type { Uuid } from "../../model/ids.js";
import type { StoredEntry } from "../message.js";
import type { ClientStore, ConversationRow, EntryRange, Meta, OutboxRow } from "./store.js";

export interface MemoryStoreOptions {
  /** Entries kept of each conversation, the newest. 1,000 where it isn't given. */
  readonly entries?: number;
}

/** A store that lasts as long as the process: for tests, and for clients that may forget. It can be opened again. */
export function memoryStore(options: MemoryStoreOptions = {}): ClientStore {
  const kept = options.entries ?? 1_000;
  let open = false;
  let meta: Meta | undefined;
  const outbox = new Map<number, OutboxRow>();
  const conversations = new Map<Uuid, ConversationRow>();
  const history = new Map<Uuid, StoredEntry[]>();
  const records = new Map<string, unknown>();

  function put(entry: StoredEntry): void {
    const list = history.get(entry.conversation) ?? [];
    history.set(entry.conversation, list);
    const at = placeOf(list, entry.seq);
    list.splice(at, list[at]?.seq === entry.seq ? 1 : 0, entry);
    if (list.length > kept) list.shift();
  }

  return {
    async open() {
      if (open) throw new ChatError("in_use");
      open = true;
      const contents = { outbox: [...outbox.values()], conversations: [...conversations.values()] };
      return meta === undefined ? contents : { meta, ...contents };
    },
    async write(step) {
      if (!open) throw new ChatError("store_unavailable", "The store is closed.");
      meta = step.meta ?? meta;
      for (const row of step.queued) outbox.set(row.order, row);
      for (const order of step.answered) outbox.delete(order);
      for (const row of step.conversations) conversations.set(row.conversation, row);
      for (const conversation of step.forgotten) history.delete(conversation);
      for (const entry of step.entries) put(entry);
      for (const [name, value] of step.records) {
        if (value === undefined) records.delete(name);
        else records.set(name, value);
      }
    },
    async entries({ conversation, after, before, limit, last }: EntryRange) {
      const list = history.get(conversation) ?? [];
      const from = placeOf(list, after + 1);
      const to = placeOf(list, before);
      return last ? list.slice(Math.max(from, to - limit), to) : list.slice(from, Math.min(to, from + limit));
    },
    async record(name) {
      return records.get(name);
    },
    async close() {
      open = false;
    },
  };
}

/** The place in an ascending list of the first entry whose seq is not below `seq`. */
function placeOf(list: readonly StoredEntry[], seq: number): number {
  let low = 0;
  let high = list.length;
  // Nearly always it is the newest that is asked for.
  if (high > 0 && (list[high - 1] as StoredEntry).seq < seq) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as StoredEntry).seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
