import {
  CONTRACT,
  type DeviceRow,
  type DeviceStateKey,
  type HistoryRow,
  type MailboxRow,
  type Offset,
  type Storage,
  type Versioned,
  type Write,
} from "sentseen/ports";
import type { Databases } from "./databases.js";
import type { Environment } from "./environment.js";
import { GroupCommit } from "./group-commit.js";
import { behind, idKey, nameIn, nameKey, readId, withId, withNumber } from "./keys.js";
import type { LogTrim } from "./log-trim.js";
import { dropTrimmed, readMailbox } from "./mailbox-rows.js";
import { checkpointKey } from "./meta-rows.js";
import type { Part } from "./part.js";
import { Stage } from "./stage.js";
import { Sweep } from "./sweep.js";
import { bytesIn, numberIn } from "./values.js";
import { stageWrite } from "./writes.js";

/** Works out changes when its transaction comes; what it throws is its caller's alone. */
interface Job {
  run(stage: Stage): void;
  error?: unknown;
}

/** The topic whose log a checkpoint makes needless, as rows and log are in the same store. [R1] */
const COMMANDS = "commands";

/** More than this many calls don't go into one transaction. */
const MAX_JOBS = 1_000;

/**
 * Rows in LMDB. Calls that meet share a transaction. What a call changes is worked out from the rows as they are then,
 * on the thread of JavaScript, where reading takes a microsecond; writing and syncing happen on another.
 */
export class LmdbStorage implements Storage {
  readonly contract = CONTRACT;
  readonly scope = "process";
  readonly atomic = true;

  readonly #environment: Environment;
  readonly #part: Part;
  readonly #commits: GroupCommit<Job[]>;
  readonly #trim: LogTrim;
  readonly #sweep = new Sweep();

  constructor(environment: Environment, part: Part, trim: LogTrim, deadlineMs: number) {
    this.#environment = environment;
    this.#part = part;
    this.#trim = trim;
    this.#commits = new GroupCommit({
      make: (): Job[] => [],
      full: (jobs) => jobs.length >= MAX_JOBS,
      commit: (jobs) => this.#commit(jobs),
      deadlineMs,
    });
  }

  async open(): Promise<void> {
    await this.#part.open();
    // What the last life of the process had no time to remove.
    const checkpoint = await this.checkpoint(COMMANDS, 0);
    if (checkpoint !== null) this.#trim.allow(COMMANDS, checkpoint.offset);
  }

  close(): Promise<void> {
    return this.#part.close(() => this.#commits.idle());
  }

  async write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return this.#part.mustBeOpen();
    let left: readonly Write[] = writes;
    while (left.length > 0) {
      const more: Write[] = [];
      const now = left;
      await this.#do((stage) => {
        for (const write of now) {
          const rest = stageWrite(stage, write);
          if (rest !== null) more.push(rest);
        }
      });
      left = more;
    }
    for (const write of writes) {
      if (write.kind === "checkpoint" && write.topic === COMMANDS) this.#trim.allow(COMMANDS, write.offset);
    }
  }

  async sweep(now: number, limit: number): Promise<boolean> {
    let ended = false;
    await this.#do((stage) => {
      ended = this.#sweep.go(stage, now, limit);
    });
    return ended;
  }

  async checkpoint(topic: string, partition: number): Promise<Versioned | null> {
    const { meta } = await this.#rows();
    return versioned(meta.get(checkpointKey(topic, partition)));
  }

  async conversations(ids: readonly string[]): Promise<(Versioned | null)[]> {
    const { conversations } = await this.#rows();
    return ids.map((id) => versioned(conversations.get(idKey(id))));
  }

  async deviceStates(keys: readonly DeviceStateKey[]): Promise<(Versioned | null)[]> {
    const { device_states } = await this.#rows();
    return keys.map(({ user, device, partition }) =>
      versioned(device_states.get(withNumber(withId(nameKey(user), device), partition))),
    );
  }

  async mailbox(user: string, after: Offset, upTo: Offset, limit: number): Promise<MailboxRow[]> {
    return readMailbox(await this.#rows(), user, after, upTo, limit);
  }

  async history(
    conversation: string,
    after: number,
    before: number,
    limit: number,
    last: boolean,
  ): Promise<HistoryRow[]> {
    const { history } = await this.#rows();
    if (limit < 1 || after + 1 >= before) return [];
    const prefix = idKey(conversation);
    const [low, high] = [after + 1, before - 1];
    const bounds = last
      ? { start: withNumber(prefix, high), end: withNumber(prefix, after), reverse: true, limit }
      : { start: withNumber(prefix, low), end: withNumber(prefix, before), limit };
    const rows: HistoryRow[] = [];
    for (const { key, value } of history.getRange(bounds)) {
      rows.push({ seq: Number(key.readBigUInt64BE(prefix.length)), value: bytesIn(value, 2) });
    }
    return last ? rows.reverse() : rows;
  }

  async conversationsOf(user: string, after: string | null, limit: number): Promise<string[]> {
    const { members } = await this.#rows();
    const prefix = nameKey(user);
    const start = after === null ? prefix : withId(prefix, after);
    const bounds = { start, end: behind(prefix), exclusiveStart: after !== null, limit };
    const ids: string[] = [];
    for (const key of limit < 1 ? [] : members.getKeys(bounds)) ids.push(readId(key, prefix.length));
    return ids;
  }

  async receipts(conversations: readonly string[]): ReturnType<Storage["receipts"]> {
    const { receipts } = await this.#rows();
    return conversations.map((conversation) => {
      const prefix = idKey(conversation);
      const found: Awaited<ReturnType<Storage["receipts"]>>[number] = [];
      for (const { key, value } of receipts.getRange({ start: prefix, end: behind(prefix) })) {
        const user = nameIn(key.subarray(prefix.length));
        found.push({ conversation, user, delivered: numberIn(value, 0), read: numberIn(value, 1) });
      }
      return found;
    });
  }

  async devices(user: string): Promise<DeviceRow[]> {
    const { devices } = await this.#rows();
    const prefix = nameKey(user);
    const found: DeviceRow[] = [];
    for (const { key, value } of devices.getRange({ start: prefix, end: behind(prefix) })) {
      const [position, seen_at] = [numberIn(value, 0), numberIn(value, 1)];
      found.push({ user, device: readId(key, prefix.length), position, seen_at, value: bytesIn(value, 3) });
    }
    return found;
  }

  async #do(run: (stage: Stage) => void): Promise<void> {
    this.#part.mustBeOpen();
    const { batch, done } = this.#commits.open();
    const job: Job = { run };
    batch.push(job);
    await done;
    if (job.error !== undefined) throw job.error;
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    await this.#environment.usable();
    const stage = new Stage(this.#environment.rows());
    for (const job of jobs) {
      try {
        job.run(stage);
      } catch (error) {
        job.error = error;
      }
    }
    dropTrimmed(stage);
    await this.#environment.commit(stage.changes());
  }

  async #rows(): Promise<Databases> {
    this.#part.mustBeOpen();
    await this.#environment.usable();
    return this.#environment.rows();
  }
}

function versioned(value: Buffer | undefined): Versioned | null {
  return value === undefined ? null : { offset: numberIn(value, 0), value: bytesIn(value, 1) };
}
