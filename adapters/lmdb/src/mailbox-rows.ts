import type { MailboxRow, Offset } from "sentseen/ports";
import type { Databases } from "./databases.js";
import { nameEnd, nameKey, readNumber, withNumber } from "./keys.js";
import type { Stage } from "./stage.js";
import { bytesIn, expiry, numberIn, pack } from "./values.js";

/** Rows of one mailbox that one transaction removes, at most; the rest goes in the next ones, unseen meanwhile. */
const REMOVED_AT_ONCE = 5_000;

/** Numbers before the bytes of a mailbox row: its expiry. */
const NUMBERS = 1;

/** Adds rows to a mailbox. Those that a trim covers are dropped by `dropTrimmed`, when all trims are known. */
export function stageRows(stage: Stage, user: string, rows: readonly MailboxRow[], expires_at: number | null): void {
  const prefix = nameKey(user);
  for (const { position, value } of rows) {
    stage.put("mailboxes", withNumber(prefix, position), pack([expiry(expires_at)], value));
  }
}

/** Raises a mailbox's trim and removes what it covers. Answers whether all of that fits in this transaction. */
export function stageTrim(stage: Stage, user: string, position: Offset): boolean {
  const prefix = nameKey(user);
  const there = trimmedIn(stage.get("trims", prefix));
  if (position > there) stage.put("trims", prefix, pack([position]));
  const upTo = Math.max(position, there);
  return stage.removeStored("mailboxes", withNumber(prefix, 0), withNumber(prefix, upTo + 1), REMOVED_AT_ONCE);
}

/** Takes out of a transaction the mailbox rows that a trim covers, be it stored or of the same transaction. */
export function dropTrimmed(stage: Stage): void {
  for (const { key, value } of stage.staged("mailboxes")) {
    if (value === null) continue;
    const end = nameEnd(key);
    const trimmed = trimmedIn(stage.get("trims", key.subarray(0, end)));
    if (readNumber(key, end) <= trimmed) stage.remove("mailboxes", key);
  }
}

/** Rows with `after` < position ≤ `upTo`, in order, at most `limit`. */
export function readMailbox(rows: Databases, user: string, after: Offset, upTo: Offset, limit: number): MailboxRow[] {
  const prefix = nameKey(user);
  const from = Math.max(after, trimmedIn(rows.trims.get(prefix)));
  const found: MailboxRow[] = [];
  const bounds = { start: withNumber(prefix, from + 1), end: withNumber(prefix, upTo + 1), limit };
  if (limit < 1 || from >= upTo) return found;
  for (const { key, value } of rows.mailboxes.getRange(bounds)) {
    found.push({ position: readNumber(key, prefix.length), value: bytesIn(value, NUMBERS) });
  }
  return found;
}

/** Whether a stored row of any mailbox has no reason to be there: it expired, or a trim has covered it. */
export function isSpent(rows: Databases, key: Buffer, value: Buffer, now: number): boolean {
  const end = nameEnd(key);
  return numberIn(value, 0) <= now || readNumber(key, end) <= trimmedIn(rows.trims.get(key.subarray(0, end)));
}

function trimmedIn(value: Buffer | undefined): Offset {
  return value === undefined ? -1 : numberIn(value, 0);
}
