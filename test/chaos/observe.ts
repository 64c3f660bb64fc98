import { ERRORS, type ErrorCode } from "../../src/errors.js";
import type { ClientFrame, ServerFrame, ServerFrames } from "../../src/protocol/frames.js";
import { digestOf, type Happening, type SeenEntry } from "./history.js";

/** Whose wire it is. */
export interface Whose {
  readonly user: string;
  /** The device's name in the history. */
  readonly device: string;
}

/** What a frame from the server says, as happenings on the wire. */
export function seenInFrame({ user, device }: Whose, frame: ServerFrame): Happening[] {
  switch (frame.type) {
    case "welcome":
      return frame.gap ? [{ type: "gap", user, device }] : [];
    case "ack": {
      const { id, conversation, seq, timestamp } = frame;
      return [{ type: "acked", user, device, id, conversation, seq, timestamp }];
    }
    case "error": {
      const { id, code } = frame;
      if (id === undefined || ERRORS[code as ErrorCode]?.retryable !== false) return [];
      return [{ type: "refused", user, device, id, code }];
    }
    case "message":
    case "change":
      return [{ type: "received", user, device, entry: seenEntry(frame) }];
    case "batch":
      return frame.entries.map((entry) => ({ type: "received", user, device, entry: seenEntry(entry) }));
    case "receipt":
    case "watermarks":
      return frame.watermarks.map((mark) => ({ type: "watermark", device, ...mark }));
    default:
      return [];
  }
}

type WireEntry = ServerFrames["message"] | ServerFrames["change"] | ServerFrames["batch"]["entries"][number];

function seenEntry(entry: WireEntry): SeenEntry {
  const { conversation, seq, id, sender, timestamp } = entry;
  const placed = { conversation, seq, id, sender, timestamp };
  if (entry.type === "change") return { ...placed, change: entry.change };
  return { ...placed, digest: digestOf(entry.content), ...(entry.to !== undefined && { to: entry.to }) };
}

/** The id of the command in a frame from a client; null where it is none. */
export function commandIn(frame: ClientFrame): string | null {
  return "id" in frame ? frame.id : null;
}
