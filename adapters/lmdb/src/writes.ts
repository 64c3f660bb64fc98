import type { DeviceRow, Offset, Write } from "sentseen/ports";
import type { DatabaseName } from "./databases.js";
import { behind, idKey, nameKey, withId, withNumber } from "./keys.js";
import { stageRows, stageTrim } from "./mailbox-rows.js";
import { checkpointKey } from "./meta-rows.js";
import type { Stage } from "./stage.js";
import { expiry, numberIn, pack } from "./values.js";

/**
 * Works out what a write changes. Answers what is left for further transactions: the trim of a mailbox with more rows
 * than one should remove.
 */
export function stageWrite(stage: Stage, write: Write): Write | null {
  switch (write.kind) {
    case "history": {
      const key = withNumber(idKey(write.conversation), write.seq);
      putLatest(stage, "history", key, [write.offset, expiry(write.expires_at)], write.value);
      return null;
    }
    case "mailbox":
      stageRows(stage, write.user, write.rows, write.expires_at);
      return null;
    case "trim":
      return stageTrim(stage, write.user, write.position) ? null : write;
    case "device_state": {
      const key = withNumber(withId(nameKey(write.user), write.device), write.partition);
      putLatest(stage, "device_states", key, [write.offset], write.value);
      return null;
    }
    case "conversation":
      putLatest(stage, "conversations", idKey(write.conversation), [write.offset], write.value);
      for (const user of write.joined) stageMember(stage, user, write.conversation, write.offset, true);
      for (const user of write.left) stageMember(stage, user, write.conversation, write.offset, false);
      return null;
    case "checkpoint":
      putLatest(stage, "meta", checkpointKey(write.topic, write.partition), [write.offset], write.value);
      return null;
    case "receipt": {
      const key = Buffer.concat([idKey(write.conversation), nameKey(write.user)]);
      const there = stage.get("receipts", key);
      const delivered = Math.max(there === undefined ? 0 : numberIn(there, 0), write.delivered);
      const read = Math.max(there === undefined ? 0 : numberIn(there, 1), write.read);
      stage.put("receipts", key, pack([delivered, read]));
      return null;
    }
    case "device":
      stageDevice(stage, write, write.expires_at);
      return null;
    case "device_removed":
      removeDevice(stage, withId(nameKey(write.user), write.device));
      return null;
  }
}

/** Removes the device of a key with all its states. */
export function removeDevice(stage: Stage, key: Buffer): void {
  stage.remove("devices", key);
  const end = behind(key);
  stage.removeStored("device_states", key, end, Number.MAX_SAFE_INTEGER);
  for (const staged of stage.staged("device_states")) {
    if (staged.key.compare(key) >= 0 && staged.key.compare(end) < 0) stage.remove("device_states", staged.key);
  }
}

/** Puts a row unless one of a greater offset is there. The offset is the first of its numbers. [R2 e] */
function putLatest(stage: Stage, rows: DatabaseName, key: Buffer, numbers: number[], value?: Uint8Array): void {
  if (offsetIn(stage.get(rows, key)) <= (numbers[0] as number)) stage.put(rows, key, pack(numbers, value));
}

/**
 * Puts a user into the index of a conversation's members or takes the user out of it. A user who left is remembered
 * apart from the index, so that reading it meets only members.
 */
function stageMember(stage: Stage, user: string, conversation: string, offset: Offset, member: boolean): void {
  const key = withId(nameKey(user), conversation);
  const joined = offsetIn(stage.get("members", key));
  const left = offsetIn(stage.get("left", key));
  if (Math.max(joined, left) > offset) return;
  const [into, outOf] = member ? (["members", "left"] as const) : (["left", "members"] as const);
  stage.put(into, key, pack([offset]));
  if ((member ? left : joined) >= 0) stage.remove(outOf, key);
}

function stageDevice(stage: Stage, row: DeviceRow, expires_at: number | null): void {
  const key = withId(nameKey(row.user), row.device);
  const there = stage.get("devices", key);
  const position = Math.max(there === undefined ? row.position : numberIn(there, 0), row.position);
  if (there !== undefined && numberIn(there, 1) > row.seen_at) {
    stage.put("devices", key, pack([position], there.subarray(8)));
  } else {
    stage.put("devices", key, pack([position, row.seen_at, expiry(expires_at)], row.value));
  }
}

/** Offsets are 0 or more, so below all of them where there is no row. */
function offsetIn(value: Buffer | undefined): Offset {
  return value === undefined ? -1 : numberIn(value, 0);
}
