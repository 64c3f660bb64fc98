import { createHash } from "node:crypto";
import type { GroupChange } from "../../src/model/message.js";

/** A message or a change as somebody saw it. */
export interface SeenEntry {
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
  readonly sender: string;
  readonly timestamp: number;
  /** The digest of a message's content; absent on a change. */
  readonly digest?: string;
  /** In a direct conversation: the user it was sent to. */
  readonly to?: string;
  readonly change?: GroupChange;
  /** How far an own message has got, where the application was asked for it. */
  readonly status?: string;
}

/** One thing that happened, as a client saw it. The order in the history is the order in which it was seen. */
export type Happening =
  /** The device was online and in sync for the first time: from now on it is owed everything. */
  | { readonly type: "enrolled"; readonly user: string; readonly device: string }
  /** The application asked for something to be sent, for the first time. */
  | {
      readonly type: "submitted";
      readonly user: string;
      readonly device: string;
      readonly id: string;
      /** Absent where the command isn't a message. */
      readonly digest?: string;
      /** The conversation, where it was known when it was sent. */
      readonly conversation?: string;
      /** The user that a direct message was sent to. */
      readonly to?: string;
    }
  /** The device has it in its durable outbox: from now on the application may count on it. */
  | { readonly type: "queued"; readonly user: string; readonly device: string; readonly id: string }
  /** An acknowledgement on the wire. The same id may have several. */
  | {
      readonly type: "acked";
      readonly user: string;
      readonly device: string;
      readonly id: string;
      readonly conversation: string;
      readonly seq: number;
      readonly timestamp: number;
    }
  /** A refusal on the wire that repeating won't change. */
  | {
      readonly type: "refused";
      readonly user: string;
      readonly device: string;
      readonly id: string;
      readonly code: string;
    }
  /** An entry on the wire. The same entry may come several times. */
  | { readonly type: "received"; readonly user: string; readonly device: string; readonly entry: SeenEntry }
  /** An entry handed to the application. */
  | { readonly type: "delivered"; readonly user: string; readonly device: string; readonly entry: SeenEntry }
  /** An entry that an application found in its store when it started, told of it before or not. */
  | { readonly type: "found"; readonly user: string; readonly device: string; readonly entry: SeenEntry }
  /** All that the device's own store holds of a conversation, read when everything had come to rest. */
  | {
      readonly type: "kept";
      readonly user: string;
      readonly device: string;
      readonly conversation: string;
      readonly entries: readonly SeenEntry[];
    }
  /** The application says that its user has read up to here. */
  | {
      readonly type: "read";
      readonly user: string;
      readonly device: string;
      readonly conversation: string;
      readonly seq: number;
    }
  /** A member's watermarks on the wire, as `device` was told them. */
  | {
      readonly type: "watermark";
      readonly device: string;
      readonly conversation: string;
      readonly user: string;
      readonly delivered: number;
      readonly read: number;
    }
  /** The status that the application sees on a message of its own. */
  | { readonly type: "status"; readonly device: string; readonly id: string; readonly status: string }
  /** The server told the device that it can't continue where it was. */
  | { readonly type: "gap"; readonly user: string; readonly device: string }
  /** Something went wrong that nobody asked for: a server that died or reported a fault, a client that can't go on. */
  | { readonly type: "failure"; readonly text: string }
  /** All that a queue may forget is gone: from now on the server may say so. */
  | { readonly type: "wiped" }
  /** What the runner did to the system, for whoever reads an excerpt. */
  | { readonly type: "fault"; readonly text: string };

/** Everything that was seen in one run, in order. */
export class History {
  readonly happenings: Happening[] = [];

  add(happening: Happening): void {
    this.happenings.push(happening);
  }
}

/** Stands for a content: short ones can still be recognised in an excerpt. */
export function digestOf(content: Uint8Array): string {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 16);
  const start = Buffer.from(content.subarray(0, 24))
    .toString("latin1")
    .replace(/[^ -~]/g, "?");
  return `${start}…${content.length}:${hash}`;
}

/** A happening in one line. */
export function describe(happening: Happening): string {
  const { type, ...rest } = happening;
  if (rest && "entries" in rest) {
    const seqs = rest.entries.map(({ seq, id }) => `${seq}:${id.slice(-6)}`).join(" ");
    return `${type} ${rest.device} ${rest.conversation} [${seqs}]`;
  }
  return `${type} ${JSON.stringify(rest)}`;
}
