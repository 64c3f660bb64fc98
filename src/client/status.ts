import type { UserId } from "../model/ids.js";
import { mergeWatermarks } from "../model/receipt.js";
import type { Status } from "./message.js";
import type { ConversationRow, Mark } from "./stores/store.js";

const NOTHING: Mark = { delivered: 0, read: 0 };

/** The status of a message that has its place. */
export function statusOf(row: ConversationRow, seq: number, own: boolean): Status {
  if (!own) return seq <= row.read ? "read" : "delivered";
  if (seq <= row.reached.read) return "read";
  return seq <= row.reached.delivered ? "delivered" : "sent";
}

/**
 * The row with what follows from its members and their watermarks: how far own messages have got. A message is
 * delivered when every other member that may see it has it; one that joined later doesn't count. Nobody's absence
 * takes back what was reached. Where the members are unknown, or there is nobody else, nothing is reached.
 */
export function withReached(row: ConversationRow, self: UserId): ConversationRow {
  const { kind, user, members = [], marks } = row;
  const others =
    kind === "group" ? [...members].map(([one, { joined }]) => [one, joined] as const) : [[user, 1] as const];
  let delivered = Number.POSITIVE_INFINITY;
  let read = Number.POSITIVE_INFINITY;
  for (const [other, joined] of others) {
    if (other === undefined || other === self) continue;
    const mark = marks.get(other) ?? NOTHING;
    delivered = Math.min(delivered, Math.max(mark.delivered, joined - 1));
    read = Math.min(read, Math.max(mark.read, joined - 1));
  }
  if (delivered === Number.POSITIVE_INFINITY) return row;
  const reached = atLeast(row.reached, { delivered, read });
  return reached === row.reached ? row : { ...row, reached };
}

/** The row with a watermark of another member's; the same row where it tells nothing new. */
export function withMark(row: ConversationRow, user: UserId, mark: Mark): ConversationRow {
  const known = row.marks.get(user) ?? NOTHING;
  const grown = atLeast(known, mergeWatermarks(mark, NOTHING));
  return grown === known ? row : { ...row, marks: new Map(row.marks).set(user, grown) };
}

/** The least watermarks that cover both; the first ones themselves where they do. */
export function atLeast(known: Mark, mark: Mark): Mark {
  if (mark.delivered <= known.delivered && mark.read <= known.read) return known;
  return { delivered: Math.max(known.delivered, mark.delivered), read: Math.max(known.read, mark.read) };
}
