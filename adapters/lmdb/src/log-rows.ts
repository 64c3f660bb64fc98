import { ChatError, type Offset } from "sentseen/ports";
import type { Databases, RowChange } from "./databases.js";
import { behind, nameEnd, nameIn, nameKey, readNumber, withNumber } from "./keys.js";
import { trimmedKey } from "./meta-rows.js";
import { readSegment, type Segment } from "./segment.js";
import { numberIn, pack } from "./values.js";

/** The change that stores a segment. */
export function storedSegment(topic: string, segment: Segment): RowChange {
  const key = withNumber(withNumber(nameKey(topic), segment.first), segment.count);
  return { rows: "log", key, value: segment.bytes };
}

/** The last offset that a topic's log ever had; null before the first. */
export function storedHead(rows: Databases, topic: string): Offset | null {
  const prefix = nameKey(topic);
  const [last] = rows.log.getKeys({ start: behind(prefix), end: prefix, reverse: true, limit: 1 });
  if (last !== undefined) return placeIn(last).last;
  const trimmed = rows.meta.get(trimmedKey(topic));
  return trimmed === undefined ? null : numberIn(trimmed, 0);
}

/** The first stored segment with records after an offset; null where there is none. */
export function segmentAfter(rows: Databases, topic: string, after: Offset): Segment | null {
  const prefix = nameKey(topic);
  // The one that begins at or before the next offset may hold it; else the one behind is the first.
  const wanted = withNumber(prefix, after + 1);
  for (const { key, value } of rows.log.getRange({ start: behind(wanted), end: prefix, reverse: true, limit: 1 })) {
    if (placeIn(key).last > after) return readStored(key, value);
  }
  for (const { key, value } of rows.log.getRange({ start: wanted, end: behind(prefix), limit: 1 })) {
    return readStored(key, value);
  }
  return null;
}

/** How many stored records lie beyond an offset. Reads keys only, from the last one back. */
export function countAfter(rows: Databases, topic: string, after: Offset): number {
  const prefix = nameKey(topic);
  let count = 0;
  for (const key of rows.log.getKeys({ start: behind(prefix), end: prefix, reverse: true })) {
    const { first, last } = placeIn(key);
    if (last <= after) break;
    count += last - Math.max(first - 1, after);
  }
  return count;
}

export interface TrimProgress {
  readonly changes: readonly RowChange[];
  /** Whether nothing is left to remove. */
  readonly done: boolean;
}

/** The changes that remove segments wholly at or before an offset, the first ones, at most `limit`. */
export function trimmingChanges(rows: Databases, topic: string, upTo: Offset, limit: number): TrimProgress {
  const prefix = nameKey(topic);
  const changes: RowChange[] = [];
  let last: Offset | null = null;
  for (const key of rows.log.getKeys({ start: prefix, end: behind(prefix), limit: limit + 1 })) {
    const place = placeIn(key);
    if (place.last > upTo) return { changes, done: true };
    if (changes.length === limit) return { changes, done: false };
    last = place.last;
    changes.push({ rows: "log", key, value: null });
  }
  // Nothing remains that would tell where the log had got to.
  if (last !== null) changes.push({ rows: "meta", key: trimmedKey(topic), value: pack([last]) });
  return { changes, done: true };
}

/** Throws `corrupt` unless every stored segment is as it was written. */
export function checkLog(rows: Databases): void {
  for (const { key, value } of rows.log.getRange({})) readStored(key, value);
}

function readStored(key: Buffer, value: Buffer): Segment {
  const { first, count } = placeIn(key);
  const segment = readSegment(first, count, value);
  if (segment !== null) return segment;
  const last = first + count - 1;
  throw new ChatError("corrupt", `The log of ${nameIn(key)} is damaged between its offsets ${first} and ${last}.`);
}

function placeIn(key: Buffer): { readonly first: Offset; readonly count: number; readonly last: Offset } {
  const at = nameEnd(key);
  const [first, count] = [readNumber(key, at), readNumber(key, at + 8)];
  return { first, count, last: first + count - 1 };
}
