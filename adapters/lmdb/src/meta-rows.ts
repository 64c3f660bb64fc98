import { nameIn, nameKey, withNumber } from "./keys.js";

/*
 * The database `meta` holds a few rows of each kind, told apart by their first byte:
 * F: the format · C topic partition: a checkpoint · H topic: the last offset that was trimmed · G topic group: a group
 */

export const FORMAT_KEY = Buffer.from("F");

export function checkpointKey(topic: string, partition: number): Buffer {
  return withNumber(Buffer.concat([Buffer.from("C"), nameKey(topic)]), partition);
}

export function trimmedKey(topic: string): Buffer {
  return Buffer.concat([Buffer.from("H"), nameKey(topic)]);
}

/** What the keys of all groups of a topic begin with. */
export function groupsPrefix(topic: string): Buffer {
  return Buffer.concat([Buffer.from("G"), nameKey(topic)]);
}

export function groupKey(topic: string, group: string): Buffer {
  return Buffer.concat([groupsPrefix(topic), nameKey(group)]);
}

/** The group's name in its key. */
export function groupIn(key: Buffer, topic: string): string {
  return nameIn(key.subarray(groupsPrefix(topic).length));
}
