import { resolve } from "node:path";
import { ChatError, type Queue, type Storage } from "sentseen/ports";
import { Environment } from "./environment.js";
import { LogTrim } from "./log-trim.js";
import { SharedEnvironment } from "./part.js";
import { LmdbQueue } from "./queue.js";
import { LmdbStorage } from "./storage.js";

export interface LmdbOptions {
  /** Where everything is stored. Made if it isn't there; one process at a time may use it. */
  readonly directory: string;
  /** Bytes of stored data beyond which nothing more is published; by default as much as the disk takes. */
  readonly maxSize?: number;
  /** Milliseconds after which a write that hasn't ended rejects with `store_unavailable`; default 30,000. */
  readonly deadlineMs?: number;
  /** Bytes that may wait for their commit; beyond, `publish` rejects with `store_unavailable`. Default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** The time in milliseconds since 1970, from which offsets begin; default the system's clock. */
  readonly now?: () => number;
}

export interface Lmdb {
  readonly storage: Storage;
  readonly queue: Queue;
  /**
   * Writes the data file anew without its free pages. The file doesn't grow without bound, as free pages are used
   * again, but only this makes it smaller. Reads and writes wait meanwhile; needs as much free disk as is in use.
   */
  compact(): Promise<void>;
  /** Bytes of the data file, and how many of them hold something. Throws `closed`. */
  size(): { readonly file: number; readonly used: number };
}

/**
 * Storage and a durable queue in one directory, on LMDB. Nothing that was accepted is lost by a crash of the process
 * or of the machine.
 *
 * Opening rejects with `in_use` where another process, or this one, has the directory open already, with `corrupt`
 * where what is there is damaged or not of this program, and with `store_unavailable` where the system refuses.
 */
export function lmdb(options: LmdbOptions): Lmdb {
  const { deadlineMs = 30_000, maxWaitingBytes = 64 * 1024 * 1024, maxSize = Number.POSITIVE_INFINITY } = options;
  if (typeof options.directory !== "string" || options.directory === "") {
    throw new ChatError("config", "directory must name where to store everything.", { field: "directory" });
  }
  for (const [field, value] of Object.entries({ deadlineMs, maxWaitingBytes, maxSize })) {
    if (!(value > 0)) throw new ChatError("config", `${field} must be a number above 0.`, { field });
  }
  const environment = new Environment(resolve(options.directory));
  const trim = new LogTrim(environment);
  const shared = new SharedEnvironment(environment, trim, deadlineMs);
  const now = options.now ?? Date.now;
  const storage = new LmdbStorage(environment, shared.part("storage"), trim, deadlineMs);
  const queue = new LmdbQueue(environment, shared.part("queue"), trim, { deadlineMs, maxWaitingBytes, maxSize, now });
  return new Parts(storage, queue, environment);
}

/** The ports are its own properties and the rest is not, so that it can be spread into the options of a server. */
class Parts implements Lmdb {
  readonly #environment: Environment;

  constructor(
    readonly storage: Storage,
    readonly queue: Queue,
    environment: Environment,
  ) {
    this.#environment = environment;
  }

  compact(): Promise<void> {
    return this.#environment.compact();
  }

  size(): { readonly file: number; readonly used: number } {
    return this.#environment.size();
  }
}
