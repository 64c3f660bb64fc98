import type { Offset, QueueRecord } from "sentseen/ports";
import { queueScripts } from "../link/lua-files.js";
import type { Servers } from "../link/servers.js";
import { recordsOf } from "./chunk.js";
import type { QueueKeys } from "./queue-keys.js";

/** Chunks and bytes of one read at most. */
const READ_CHUNKS = 64;
const READ_BYTES = 4 * 1024 * 1024;

/** What was read, and of which life of the log it is. */
export interface Read {
  readonly birth: Offset;
  readonly records: QueueRecord[];
}

/** What is asked of the log of one partition by those who read it. */
export class PartitionLog {
  readonly #servers: Servers;
  readonly #log: string;
  readonly #facts: string;
  readonly #graceMs: number;

  /** `graceMs`: after the beginning of a life of the log nothing is trimmed for so long. */
  constructor(servers: Servers, keys: QueueKeys, partition: number, graceMs: number) {
    this.#servers = servers;
    this.#log = keys.log(partition);
    this.#facts = keys.facts(partition);
    this.#graceMs = graceMs;
  }

  /** A group is going to read. Answers the birth of the log's life and the offset after which all records are there. */
  async open(group: string): Promise<{ readonly birth: Offset; readonly completeAfter: Offset }> {
    const [birth, completeAfter] = (await this.#run("open", [group])) as Buffer[];
    return { birth: Number(birth), completeAfter: Number(completeAfter) };
  }

  async read(after: Offset): Promise<Read> {
    const [birth, ...rest] = (await this.#run("read", [after, READ_CHUNKS, READ_BYTES])) as Buffer[];
    const records: QueueRecord[] = [];
    for (let i = 0; i + 1 < rest.length; i += 2) {
      for (const record of recordsOf(rest[i + 1] as Buffer, Number(rest[i]))) {
        // The first chunk may have been committed in part.
        if (record.offset > after) records.push(record);
      }
    }
    return { birth: Number(birth), records };
  }

  /** Answers the birth of the log's life: another one where the log doesn't know the offset. */
  async commit(group: string, offset: Offset): Promise<Offset> {
    return Number(await this.#run("commit", [group, offset, this.#graceMs * 1_000]));
  }

  /** The last offset that was given; null where there never was a record in this life. */
  async head(): Promise<Offset | null> {
    const answer = await this.#servers.call(this.#facts, ["HMGET", this.#facts, "last", "used"]);
    const [last, used] = answer as (Buffer | null)[];
    return used === null || last === null || last === undefined ? null : Number(last);
  }

  /** How many records lie beyond an offset. */
  async countAfter(offset: Offset): Promise<number> {
    return Number(await this.#run("count", [offset]));
  }

  #run(script: "open" | "read" | "commit" | "count", args: (string | number)[]): Promise<unknown> {
    return queueScripts[script].run(this.#servers, [this.#log, this.#facts], args);
  }
}
