import type { Uuid } from "../model/ids.js";
import type { Change, Entry, Message } from "../model/message.js";
import type { ServerFrames } from "../protocol/frames.js";

/** The frame of an entry, with the part that is for one device only. */
export function entryFrame(
  entry: Entry,
  position: number | undefined,
  device: Uuid,
): ServerFrames["message"] | ServerFrames["change"] {
  return entry.type === "change" ? changeFrame(entry, position) : messageFrame(entry, position, device);
}

function changeFrame(entry: Change, position: number | undefined): ServerFrames["change"] {
  return position === undefined ? { ...entry } : { ...entry, position };
}

/** Written out, since every message passes here and to spread it costs a microsecond. */
function messageFrame(message: Message, position: number | undefined, device: Uuid): ServerFrames["message"] {
  const { type, conversation, seq, id, sender, sender_device, timestamp, content_type, content } = message;
  const { to, envelopes, silent, mentions } = message;
  const frame: Writable<ServerFrames["message"]> = {
    type,
    conversation,
    seq,
    id,
    sender,
    sender_device,
    timestamp,
    content_type,
    content,
  };
  if (position !== undefined) frame.position = position;
  if (to !== undefined) frame.to = to;
  const own = envelopes?.find(([one]) => one === device)?.[1];
  if (own !== undefined) frame.envelope = own;
  if (silent !== undefined) frame.silent = silent;
  if (mentions !== undefined) frame.mentions = mentions;
  return frame;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
