import { statSync } from "node:fs";
import { open as openLmdb, type RootDatabase, type RootDatabaseOptionsWithPath } from "lmdb";
import { ChatError, isChatError } from "sentseen/ports";
import { copyRows } from "./copy-rows.js";
import {
  checkFormat,
  type DataDirectory,
  FORMAT,
  inspect,
  makeDirectory,
  mark,
  replaceData,
} from "./data-directory.js";
import { DATABASES, type Databases, existingRows, openDatabases, type RowChange } from "./databases.js";
import { unavailable } from "./failure.js";
import { FORMAT_KEY } from "./meta-rows.js";
import { inUse, type OwnerLock, takeDirectory } from "./owner-lock.js";
import { numberIn, pack } from "./values.js";

type Root = RootDatabase<Buffer, Buffer>;

/** What is there while the environment is open. */
interface Opened {
  readonly directory: DataDirectory;
  readonly lock: OwnerLock;
  readonly root: Root;
  readonly rows: Databases;
}

/** One directory, taken for this process, and the LMDB environment in it. */
export class Environment {
  readonly #path: string;
  #opened: Opened | null = null;
  /** Commits that are under way. */
  readonly #commits = new Set<Promise<void>>();
  #pause: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes and opens the directory. Throws `in_use`, `corrupt`, or `store_unavailable` for what the system refuses. */
  async open(): Promise<void> {
    try {
      const directory = makeDirectory(this.#path);
      const lock = takeDirectory(this.#path);
      try {
        this.#opened = await openIn(directory, lock);
      } catch (error) {
        lock.release();
        throw error;
      }
    } catch (error) {
      throw isChatError(error) ? error : unavailable(`The directory ${this.#path} can't be opened`, error);
    }
  }

  /** The rows as they are after the last commit that has resolved. Throws `closed`. */
  rows(): Databases {
    // lmdb moves its snapshot on before it resolves a commit, so there is none to renew here.
    return this.#must().rows;
  }

  /** Resolves at once, or when a compaction that is under way has ended. */
  async usable(): Promise<void> {
    while (this.#pause !== null) await this.#pause;
  }

  /**
   * Makes changes in one synced transaction: all of them are durable when it resolves, and none was made when it
   * rejects (`store_unavailable`).
   */
  async commit(changes: readonly RowChange[]): Promise<void> {
    if (changes.length === 0) return;
    await this.usable();
    const commit = this.#commit(changes);
    this.#commits.add(commit);
    try {
      await commit;
    } finally {
      this.#commits.delete(commit);
    }
  }

  /** Bytes of the data file, and how many of them hold something. */
  size(): { readonly file: number; readonly used: number } {
    const { directory, rows, root } = this.#must();
    let pages = 2;
    let pageSize = 0;
    const { free, root: main } = statsOf(root);
    const all = [free, main, ...DATABASES.map((name) => statsOf(rows[name]))];
    for (const stats of all) {
      pageSize = stats.pageSize;
      pages += stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages;
    }
    return { file: statSync(directory.data).size, used: pages * pageSize };
  }

  /** Writes the data file anew without its free pages. Commits and reads wait meanwhile. */
  async compact(): Promise<void> {
    await this.usable();
    const { directory, lock, root, rows } = this.#must();
    let resume = () => {};
    this.#pause = new Promise<void>((resolve) => {
      resume = resolve;
    });
    try {
      await Promise.allSettled(this.#commits);
      await copyTo(directory.compacting, rows);
      await root.close();
      this.#opened = null;
      replaceData(directory);
      this.#opened = await openIn(directory, lock);
    } catch (error) {
      if (this.#opened === null) lock.release();
      throw isChatError(error) ? error : unavailable(`The data file ${directory.data} can't be compacted`, error);
    } finally {
      this.#pause = null;
      resume();
    }
  }

  /** Waits for commits that are under way, and gives the directory back. */
  async close(): Promise<void> {
    await this.usable();
    const opened = this.#opened;
    if (opened === null) return;
    this.#opened = null;
    await Promise.allSettled(this.#commits);
    await opened.root.close();
    opened.lock.release();
  }

  async #commit(changes: readonly RowChange[]): Promise<void> {
    const { root, rows, directory } = this.#must();
    try {
      const [only] = changes;
      if (changes.length === 1 && only !== undefined) await change(rows, only);
      else await root.batch(() => changes.forEach((each) => void change(rows, each)));
    } catch (error) {
      throw unavailable(`${directory.data} can't be written`, await causeOf(error));
    }
  }

  #must(): Opened {
    if (this.#opened !== null) return this.#opened;
    if (this.#pause !== null) throw new ChatError("store_unavailable", `${this.#path} is just being compacted.`);
    throw new ChatError("closed", `The directory ${this.#path} is not open.`);
  }
}

/** Options that lmdb has and its types don't. */
interface FreeSpaceOptions {
  readonly maxFreeSpaceToLoad: number;
  readonly maxFreeSpaceToRetain: number;
}

function openRoot(path: string, durable = true): Root {
  const options: RootDatabaseOptionsWithPath & FreeSpaceOptions = {
    path,
    noSubdir: false,
    encoding: "binary",
    keyEncoding: "binary",
    maxDbs: DATABASES.length + 4,
    noSync: !durable,
    // A put that has resolved is durable then, and not some time later.
    overlappingSync: false,
    // With its batching of event turns, lmdb leaves a promise of its own unhandled when a commit fails.
    eventTurnBatching: false,
    // Every commit searches the list of free pages that is in memory. A twentieth of lmdb's default makes a commit three
    // times as cheap; far less, and pages are not used again while the file grows.
    maxFreeSpaceToLoad: 2_000,
    maxFreeSpaceToRetain: 4_000,
  };
  return openLmdb<Buffer, Buffer>(options);
}

/** Makes a copy of all rows in a directory of its own. It is on disk once its file has been synced. */
async function copyTo(path: string, rows: Databases): Promise<void> {
  const copy = openRoot(path, false);
  try {
    await copyRows(rows, openDatabases(copy));
  } finally {
    await copy.close();
  }
}

async function openIn(directory: DataDirectory, lock: OwnerLock): Promise<Opened> {
  inspect(directory);
  const root = openRoot(directory.path);
  try {
    refuseOtherReaders(directory, root, 0);
    checkOwnership(directory, root);
    const rows = openDatabases(root);
    if (rows.meta.get(FORMAT_KEY) === undefined) rows.meta.putSync(FORMAT_KEY, pack([FORMAT]));
    // Now this process has a place of its own, and so has one that came at the same moment.
    refuseOtherReaders(directory, root, 1);
    mark(directory);
    return { directory, lock, root, rows };
  } catch (error) {
    await root.close();
    throw error;
  }
}

/**
 * The kernel knows better than a lock file: a process that has the environment open holds a reader's place in it as
 * long as it lives, also in another container, where its pid says nothing.
 */
function refuseOtherReaders({ path }: DataDirectory, root: Root, own: number): void {
  const pids = [...root.readerList().matchAll(/^\s*(\d+)\s/gm)].map(([, pid]) => pid);
  if (pids.length <= own) return;
  throw inUse(path, `process ${pids.find((pid) => pid !== String(process.pid)) ?? process.pid}`);
}

/** Throws `corrupt` where the environment holds rows and not the row by which ours is known. */
function checkOwnership({ data }: DataDirectory, root: Root): void {
  if (statsOf(root).entryCount === 0) return;
  const format = existingRows(root, "meta")?.get(FORMAT_KEY);
  checkFormat(data, format?.length === 8 ? numberIn(format, 0) : "unknown");
}

interface TreeStats {
  readonly pageSize: number;
  readonly entryCount: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

function statsOf(database: { getStats(): object }): TreeStats & { readonly free: TreeStats; readonly root: TreeStats } {
  return database.getStats() as TreeStats & { readonly free: TreeStats; readonly root: TreeStats };
}

function change(rows: Databases, { rows: name, key, value }: RowChange): Promise<boolean> {
  return value === null ? rows[name].remove(key) : rows[name].put(key, value);
}

/** lmdb rejects with an error that has the real one in a promise, which must not stay unhandled. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { readonly commitError?: Promise<unknown> };
  try {
    await commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
