import type { DatabaseName } from "./databases.js";
import { isSpent } from "./mailbox-rows.js";
import type { Stage } from "./stage.js";
import { numberIn } from "./values.js";
import { removeDevice } from "./writes.js";

/** The databases whose rows can expire, and which of a row's numbers says when. */
const EXPIRING = [
  ["history", 1],
  ["mailboxes", 0],
  ["devices", 2],
] as const satisfies readonly (readonly [DatabaseName, number])[];

/** Goes over all rows that can expire, some in each call. Where it stands is forgotten with the process. */
export class Sweep {
  #database = 0;
  #after: Buffer | null = null;

  /** Looks at `limit` rows and removes what has expired by `now`. Answers whether it came to the end of them all. */
  go(stage: Stage, now: number, limit: number): boolean {
    for (let left = limit; left > 0; ) {
      left -= this.#look(stage, now, left);
      if (left <= 0) return false;
      this.#after = null;
      this.#database++;
      if (this.#database === EXPIRING.length) {
        this.#database = 0;
        return true;
      }
    }
    return false;
  }

  /** Looks at rows of the database that it is at. Answers how many there were, at most `limit`. */
  #look(stage: Stage, now: number, limit: number): number {
    const [rows, expiry] = EXPIRING[this.#database] as (typeof EXPIRING)[number];
    const from = this.#after === null ? {} : { start: this.#after, exclusiveStart: true };
    let looked = 0;
    for (const { key, value } of stage.stored[rows].getRange({ ...from, limit })) {
      looked++;
      this.#after = key;
      // What the same transaction writes is newer than what is stored.
      if (stage.has(rows, key)) continue;
      const spent = rows === "mailboxes" ? isSpent(stage.stored, key, value, now) : numberIn(value, expiry) <= now;
      if (!spent) continue;
      if (rows === "devices") removeDevice(stage, key);
      else stage.remove(rows, key);
    }
    return looked;
  }
}
