import { isDeepStrictEqual } from "node:util";
import type { Happening, SeenEntry } from "../history.js";
import { concerns, standsAt, type Violation, violation } from "./violation.js";

/** One place in a conversation, put together from everyone's view. */
export interface Place {
  readonly seq: number;
  readonly id: string;
  readonly timestamp: number;
  /** What stands there; absent where only its acknowledgement was seen. */
  entry?: SeenEntry;
}

/** Everything that is known of one command. */
export interface Sent {
  readonly at: number;
  readonly submitted: Extract<Happening, { type: "submitted" }>;
  queued: boolean;
}

/** What all views together say that the server's log holds. */
export interface Log {
  readonly happenings: readonly Happening[];
  /** Conversation → places, ascending. */
  readonly conversations: ReadonlyMap<string, readonly Place[]>;
  /** Id → where it stands. */
  readonly placeOf: ReadonlyMap<string, { readonly conversation: string; readonly seq: number }>;
  readonly commands: ReadonlyMap<string, Sent>;
  /** Ids that were refused for good. */
  readonly refused: ReadonlySet<string>;
  /** Device → its user and when it was enrolled. */
  readonly devices: ReadonlyMap<string, { readonly user: string; readonly at: number }>;
}

/** Builds the log, and finds the views that don't agree on it. */
export function buildLog(happenings: readonly Happening[]): { log: Log; violations: Violation[] } {
  const places = new Map<string, Map<number, Place>>();
  const placeOf = new Map<string, { conversation: string; seq: number }>();
  const commands = new Map<string, Sent>();
  const refused = new Set<string>();
  const devices = new Map<string, { user: string; at: number }>();
  const violations: Violation[] = [];

  function place(conversation: string, seq: number, id: string, timestamp: number, entry?: SeenEntry): void {
    const inConversation = places.get(conversation) ?? new Map<number, Place>();
    places.set(conversation, inConversation);
    const known = inConversation.get(seq);
    if (known !== undefined && known.id !== id) {
      const text = `${conversation} has both ${known.id} and ${id} at seq ${seq}`;
      violations.push(violation("two-orders", text, happenings, standsAt(conversation, seq)));
      return;
    }
    const elsewhere = placeOf.get(id);
    if (elsewhere !== undefined && (elsewhere.conversation !== conversation || elsewhere.seq !== seq)) {
      const text = `${id} stands at seq ${elsewhere.seq} and at seq ${seq} of ${conversation}`;
      violations.push(violation("stored-twice", text, happenings, concerns(id)));
      return;
    }
    if (known !== undefined && known.timestamp !== timestamp) {
      const text = `${id} has the timestamps ${known.timestamp} and ${timestamp}`;
      violations.push(violation("answer-changed", text, happenings, concerns(id)));
      return;
    }
    if (known?.entry !== undefined && entry !== undefined && !isDeepStrictEqual(known.entry.change, entry.change)) {
      const text = `${id} is ${JSON.stringify(known.entry.change)} and ${JSON.stringify(entry.change)}`;
      violations.push(violation("content-changed", text, happenings, concerns(id)));
      return;
    }
    if (known === undefined) inConversation.set(seq, { seq, id, timestamp, ...(entry && { entry }) });
    else if (entry !== undefined) known.entry ??= entry;
    placeOf.set(id, { conversation, seq });
  }

  function see(device: string, entry: SeenEntry): void {
    const { change, conversation, id, seq, timestamp } = entry;
    // Of a change of its own a device knows only what it has asked for, not what came of it.
    const guess = change !== undefined && commands.get(id)?.submitted.device === device;
    place(conversation, seq, id, timestamp, guess ? undefined : entry);
  }

  happenings.forEach((happening, at) => {
    switch (happening.type) {
      case "enrolled":
        if (!devices.has(happening.device)) devices.set(happening.device, { user: happening.user, at });
        break;
      case "submitted":
        if (!commands.has(happening.id)) commands.set(happening.id, { at, submitted: happening, queued: false });
        break;
      case "queued": {
        const command = commands.get(happening.id);
        if (command !== undefined) command.queued = true;
        break;
      }
      case "acked":
        place(happening.conversation, happening.seq, happening.id, happening.timestamp);
        break;
      case "refused":
        refused.add(happening.id);
        break;
      case "received":
      case "delivered":
      case "found":
        see(happening.device, happening.entry);
        break;
      case "kept":
        for (const entry of happening.entries) see(happening.device, entry);
        break;
    }
  });

  const conversations = new Map<string, Place[]>();
  for (const [conversation, bySeq] of places) {
    conversations.set(
      conversation,
      [...bySeq.values()].sort((one, other) => one.seq - other.seq),
    );
  }
  return { log: { happenings, conversations, placeOf, commands, refused, devices }, violations };
}
