import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ChatError, isChatError } from "../../errors.js";
import type { Uuid } from "../../model/ids.js";
import type { StoredEntry } from "../message.js";
import type { ClientStore, ConversationRow, EntryRange, Meta, OutboxRow, StoreStep } from "../stores/store.js";
import { lockDirectory } from "./directory-lock.js";
import { HistoryFiles } from "./history-files.js";
import { decode, encode, Journal } from "./journal.js";

/** Bytes that a journal may have before what it holds is filed and a new one begins. */
const JOURNAL = 4_194_304;
/** Bytes that it may have where filing fails, before nothing more is taken. */
const JOURNAL_MOST = 16 * JOURNAL;
const STATE = "state";

/** Everything but history, as it was when a journal began. */
interface Snapshot {
  readonly journal: number;
  readonly meta: Meta | undefined;
  readonly outbox: ReadonlyMap<number, OutboxRow>;
  readonly conversations: ReadonlyMap<Uuid, ConversationRow>;
  readonly records: ReadonlyMap<string, unknown>;
}

/** What the journal holds of a conversation's history. */
interface Recent {
  /** Nothing older counts. */
  readonly forgotten: boolean;
  readonly entries: Map<number, StoredEntry>;
}

/** A store that is open. */
interface Opened {
  readonly unlock: () => Promise<void>;
  journal: Journal;
  number: number;
  /** Size of the journal at which filing is tried. */
  fileAt: number;
  meta: Meta | undefined;
  readonly outbox: Map<number, OutboxRow>;
  readonly conversations: Map<Uuid, ConversationRow>;
  readonly records: Map<string, unknown>;
  readonly recent: Map<Uuid, Recent>;
}

/**
 * A durable store in a directory of its own, for one process at a time. Each step is one synced append to a journal,
 * so a process that is killed at any point leaves all of a step or nothing; history is filed by conversation when the
 * journal has grown, and is read from there.
 */
export function fileStore(directory: string): ClientStore {
  const root = resolve(directory);
  const history = new HistoryFiles(join(root, "history"));
  let opened: Opened | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** Does one thing after another. */
  function inTurn<T>(work: (store: Opened) => Promise<T>): Promise<T> {
    const done = turn.then(async () => {
      if (opened === undefined) throw new ChatError("store_unavailable", "The store is closed.");
      try {
        return await work(opened);
      } catch (cause) {
        throw failure(cause, root);
      }
    });
    turn = done.catch(() => {});
    return done;
  }

  return {
    async open() {
      if (opened !== undefined) throw new ChatError("in_use", `${root} is open already.`, { field: "store" });
      const unlock = await lockDirectory(root);
      try {
        await history.prepare();
        opened = await load(root, unlock);
      } catch (cause) {
        await unlock();
        throw failure(cause, root);
      }
      const contents = { outbox: [...opened.outbox.values()], conversations: [...opened.conversations.values()] };
      return opened.meta === undefined ? contents : { meta: opened.meta, ...contents };
    },
    write: (step) =>
      inTurn(async (store) => {
        if (store.journal.size > store.fileAt) await file(store, root, history);
        await store.journal.append(step);
        apply(store, step);
      }),
    entries: (range) => inTurn((store) => read(store, history, range)),
    record: (name) => inTurn(async (store) => store.records.get(name)),
    async close() {
      if (opened === undefined) return;
      const { unlock } = opened;
      await inTurn(async (store) => {
        opened = undefined;
        await store.journal.close();
      });
      await unlock();
    },
  };
}

async function load(root: string, unlock: () => Promise<void>): Promise<Opened> {
  const snapshot = await readSnapshot(join(root, STATE));
  const number = snapshot?.journal ?? 1;
  const kept = {
    unlock,
    number,
    fileAt: JOURNAL,
    meta: snapshot?.meta,
    outbox: new Map(snapshot?.outbox),
    conversations: new Map(snapshot?.conversations),
    records: new Map(snapshot?.records),
    recent: new Map<Uuid, Recent>(),
  };
  const path = journalPath(root, number);
  const steps: StoreStep[] = [];
  const names = await readdir(root);
  const found = names.includes(`journal-${number}`);
  // The state is written after its journal, so where there is a state, there is a journal.
  if (!found && snapshot !== null) throw new ChatError("corrupt", `${path} is missing.`);
  const journal = found
    ? await Journal.open(path, (step) => void steps.push(step as StoreStep))
    : await Journal.create(path);
  await syncDirectory(root);
  const store = { ...kept, journal };
  for (const step of steps) apply(store, step);
  for (const name of names) {
    if (/^journal-\d+$/.test(name) && name !== `journal-${number}`) await rm(join(root, name), { force: true });
  }
  return store;
}

function apply(store: Opened, step: StoreStep): void {
  store.meta = step.meta ?? store.meta;
  for (const row of step.queued) store.outbox.set(row.order, row);
  for (const order of step.answered) store.outbox.delete(order);
  for (const row of step.conversations) store.conversations.set(row.conversation, row);
  for (const conversation of step.forgotten) store.recent.set(conversation, { forgotten: true, entries: new Map() });
  for (const entry of step.entries) {
    const recent = store.recent.get(entry.conversation) ?? { forgotten: false, entries: new Map() };
    store.recent.set(entry.conversation, recent);
    recent.entries.set(entry.seq, entry);
  }
  for (const [name, value] of step.records) {
    if (value === undefined) store.records.delete(name);
    else store.records.set(name, value);
  }
}

/** Files what the journal holds. A journal can do without for a while, so a failure is put off. */
async function file(store: Opened, root: string, history: HistoryFiles): Promise<void> {
  try {
    await beginJournal(store, root, history);
    store.fileAt = JOURNAL;
  } catch (error) {
    if (store.journal.size > JOURNAL_MOST) throw error;
    store.fileAt = store.journal.size + JOURNAL;
  }
}

/** Files what the journal holds and begins a new one. Each step may be repeated after a crash. */
async function beginJournal(store: Opened, root: string, history: HistoryFiles): Promise<void> {
  for (const [conversation, { forgotten, entries }] of store.recent) {
    if (forgotten) await history.forget(conversation);
    if (entries.size > 0) await history.write(conversation, entries.values());
  }
  await syncDirectory(join(root, "history"));
  const number = store.number + 1;
  const journal = await Journal.create(journalPath(root, number));
  try {
    const { meta, outbox, conversations, records } = store;
    await writeSnapshot(root, { journal: number, meta, outbox, conversations, records });
  } catch (error) {
    await journal.close();
    throw error;
  }
  const former = { journal: store.journal, number: store.number };
  store.journal = journal;
  store.number = number;
  store.recent.clear();
  await former.journal.close();
  await rm(journalPath(root, former.number), { force: true });
}

async function read(store: Opened, history: HistoryFiles, range: EntryRange): Promise<StoredEntry[]> {
  const recent = store.recent.get(range.conversation);
  const filed = recent?.forgotten ? [] : await history.read(range);
  if (recent === undefined) return filed;
  const all = new Map(filed.map((entry) => [entry.seq, entry]));
  for (const [seq, entry] of recent.entries) if (seq > range.after && seq < range.before) all.set(seq, entry);
  const sorted = [...all.values()].sort((one, other) => one.seq - other.seq);
  return range.last ? sorted.slice(-range.limit) : sorted.slice(0, range.limit);
}

async function readSnapshot(path: string): Promise<Snapshot | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const decoded = decode(bytes, 0);
  if (decoded === null) throw new ChatError("corrupt", `${path} is damaged.`);
  return decoded.value as Snapshot;
}

async function writeSnapshot(root: string, snapshot: Snapshot): Promise<void> {
  const draft = join(root, `${STATE}.draft`);
  const handle = await open(draft, "w");
  try {
    await handle.writeFile(encode(snapshot));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, join(root, STATE));
  await syncDirectory(root);
}

function journalPath(root: string, number: number): string {
  return join(root, `journal-${number}`);
}

/** Makes new names in a directory durable, where the system knows such a thing. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function failure(cause: unknown, root: string): ChatError {
  return isChatError(cause) ? cause : new ChatError("store_unavailable", `${root} can't be used.`, { cause });
}
