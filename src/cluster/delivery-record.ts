import { Packr } from "msgpackr";
import { ChatError } from "../errors.js";
import type { UserId } from "../model/ids.js";
import type { Entry } from "../model/message.js";
import type { Offset } from "../ports/queue.js";

/** A record of the deliveries topic: an entry, and in whose mailboxes of this partition it goes. */
export interface DeliveryRecord {
  /** The partition of commands that it comes from, and the offset of the command there: by it repetitions are known. */
  readonly source: number;
  readonly offset: Offset;
  readonly entry: Entry;
  readonly recipients: readonly UserId[];
}

const VERSION = 1;
const packr = new Packr({ useRecords: false, variableMapSize: true });

export function encodeDelivery({ source, offset, entry, recipients }: DeliveryRecord): Uint8Array {
  return packr.pack([VERSION, source, offset, entry, recipients]);
}

/** Throws `corrupt` for bytes that are something else. */
export function decodeDelivery(bytes: Uint8Array): DeliveryRecord {
  let form: unknown;
  try {
    form = packr.unpack(bytes);
  } catch (cause) {
    throw new ChatError("corrupt", "A record of deliveries can't be read.", { cause });
  }
  if (!Array.isArray(form) || form[0] !== VERSION) {
    throw new ChatError("corrupt", `A record of deliveries of another version than ${VERSION}.`);
  }
  const [, source, offset, entry, recipients] = form as [number, number, Offset, Entry, UserId[]];
  if (!Array.isArray(recipients) || typeof entry !== "object" || entry === null) {
    throw new ChatError("corrupt", "A record of deliveries without entry or recipients.");
  }
  return { source, offset, entry, recipients };
}

/** What the owner of a deliveries partition stores with its checkpoint. */
export interface DeliveryProgress {
  /** For each partition of commands the offset of the last command whose deliveries are done. */
  readonly done: ReadonlyMap<number, Offset>;
  /** Devices whose position lies before this may have lost something. */
  readonly since: Offset;
}

export function encodeProgress({ done, since }: DeliveryProgress): Uint8Array {
  return packr.pack([VERSION, since, [...done]]);
}

export function decodeProgress(bytes: Uint8Array): DeliveryProgress {
  const form = bytes.length === 0 ? [VERSION, 0, []] : packr.unpack(bytes);
  if (form[0] !== VERSION) throw new ChatError("corrupt", `A checkpoint of another version than ${VERSION}.`);
  return { since: form[1], done: new Map(form[2]) };
}
