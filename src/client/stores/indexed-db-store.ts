import { ChatError } from "../../errors.js";
import type { StoredEntry } from "../message.js";
import type { ClientStore, ConversationRow, EntryRange, Meta, OutboxRow, StoreStep } from "./store.js";

const VERSION = 1;
const DEADLINE = 30_000;
const LOCK_DEADLINE = 2_000;
const META = "sentseen/meta";
const STORES = ["records", "outbox", "conversations", "entries"] as const;

/** Names that are open in this process, for where there are no Web Locks. */
const open = new Set<string>();

/**
 * A store in the browser's IndexedDB, under a name of the application's choice: one a user. Each step is one strictly
 * durable transaction. It can be open in one tab at a time: another one's `open` rejects with `in_use`.
 */
export function indexedDbStore(name: string): ClientStore {
  let db: IDBDatabase | undefined;
  let unlock: (() => void) | undefined;

  function transaction(mode: IDBTransactionMode): IDBTransaction {
    if (db === undefined) throw new ChatError("store_unavailable", "The store is closed.");
    try {
      return db.transaction(STORES, mode, { durability: "strict" });
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  return {
    async open() {
      if (unlock !== undefined) throw inUse(name);
      unlock = await lock(name);
      try {
        db = await openDatabase(name);
        db.onversionchange = () => db?.close();
        const tx = transaction("readonly");
        const rows = [
          tx.objectStore("records").get(META),
          tx.objectStore("outbox").getAll(),
          tx.objectStore("conversations").getAll(),
        ] as const;
        await done(tx);
        const [meta, outbox, conversations] = rows.map((request) => request.result) as [
          Meta | undefined,
          OutboxRow[],
          ConversationRow[],
        ];
        return meta === undefined ? { outbox, conversations } : { meta, outbox, conversations };
      } catch (error) {
        await this.close();
        throw error;
      }
    },
    async write(step) {
      const tx = transaction("readwrite");
      try {
        apply(tx, step);
      } catch (cause) {
        tx.abort();
        throw unavailable(cause);
      }
      await done(tx);
    },
    async entries(range) {
      const tx = transaction("readonly");
      const found = read(tx.objectStore("entries"), range);
      await done(tx);
      return range.last ? found.reverse() : found;
    },
    async record(key) {
      const tx = transaction("readonly");
      const request = tx.objectStore("records").get(key);
      await done(tx);
      return request.result as unknown;
    },
    async close() {
      db?.close();
      unlock?.();
      db = unlock = undefined;
    },
  };
}

function apply(tx: IDBTransaction, step: StoreStep): void {
  const [records, outbox, conversations, entries] = STORES.map((store) => tx.objectStore(store)) as [
    IDBObjectStore,
    IDBObjectStore,
    IDBObjectStore,
    IDBObjectStore,
  ];
  if (step.meta !== undefined) records.put(step.meta, META);
  for (const row of step.queued) outbox.put(row);
  for (const order of step.answered) outbox.delete(order);
  for (const row of step.conversations) conversations.put(row);
  for (const conversation of step.forgotten) {
    entries.delete(IDBKeyRange.bound([conversation, 0], [conversation, Number.MAX_SAFE_INTEGER]));
  }
  for (const entry of step.entries) entries.put(entry);
  for (const [key, value] of step.records) {
    if (value === undefined) records.delete(key);
    else records.put(value, key);
  }
}

/** Starts to read a range; the list is full when the transaction is done. Descending where the last ones are asked. */
function read(entries: IDBObjectStore, { conversation, after, before, limit, last }: EntryRange): StoredEntry[] {
  const found: StoredEntry[] = [];
  if (before - after < 2 || limit < 1) return found;
  const bounds = IDBKeyRange.bound([conversation, after], [conversation, before], true, true);
  if (!last) {
    const request = entries.getAll(bounds, limit);
    request.onsuccess = () => void found.push(...(request.result as StoredEntry[]));
    return found;
  }
  const request = entries.openCursor(bounds, "prev");
  request.onsuccess = () => {
    const cursor = request.result;
    if (cursor === null) return;
    found.push(cursor.value as StoredEntry);
    if (found.length < limit) cursor.continue();
  };
  return found;
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, VERSION);
  return inTime(
    (resolve, reject) => {
      request.onupgradeneeded = () => {
        const { result } = request;
        result.createObjectStore("records");
        result.createObjectStore("outbox", { keyPath: "order" });
        result.createObjectStore("conversations", { keyPath: "conversation" });
        result.createObjectStore("entries", { keyPath: ["conversation", "seq"] });
      };
      request.onsuccess = () => {
        const { result } = request;
        if (STORES.every((store) => result.objectStoreNames.contains(store))) return resolve(result);
        result.close();
        reject(new ChatError("corrupt", `The database ${name} is another's.`));
      };
      request.onerror = () => {
        const { error } = request;
        reject(error?.name === "VersionError" ? new ChatError("corrupt", error.message) : unavailable(error));
      };
    },
    () => {
      // It may still open, when nobody waits for it any more.
      request.onsuccess = () => request.result.close();
    },
  );
}

/** Resolves once the transaction is durable. */
function done(tx: IDBTransaction): Promise<void> {
  return inTime(
    (resolve, reject) => {
      tx.oncomplete = () => resolve();
      tx.onabort = () => reject(unavailable(tx.error));
    },
    () => tx.abort(),
  );
}

/** Waits for an answer of the database's; calls `late` and rejects where none comes in time. */
function inTime<T>(
  wait: (resolve: (value: T) => void, reject: (error: ChatError) => void) => void,
  late: () => void,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  return new Promise<T>((resolve, reject) => {
    wait(resolve, reject);
    timer = setTimeout(() => {
      reject(unavailable("timeout"));
      late();
    }, DEADLINE);
  }).finally(() => clearTimeout(timer));
}

/** Takes the name for this tab; answers what gives it back. */
async function lock(name: string): Promise<() => void> {
  const key = `sentseen:${name}`;
  const locks = globalThis.navigator?.locks;
  if (locks === undefined) {
    if (open.has(key)) throw inUse(name);
    open.add(key);
    return () => void open.delete(key);
  }
  return new Promise((resolve, reject) => {
    // A page that is being reloaded holds the name for a moment longer than the new one can wait for.
    const signal = AbortSignal.timeout(LOCK_DEADLINE);
    locks
      .request(key, { signal }, () => new Promise<void>((release) => resolve(release)))
      .catch((cause: unknown) => reject(signal.aborted ? inUse(name) : unavailable(cause)));
  });
}

function inUse(name: string): ChatError {
  return new ChatError("in_use", `The store ${name} is open elsewhere.`);
}

function unavailable(cause: unknown): ChatError {
  return new ChatError("store_unavailable", undefined, { cause });
}
