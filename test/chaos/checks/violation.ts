import type { Happening } from "../history.js";

/** What a run must never show, by name. */
export const VIOLATION_NAMES = [
  /** An acknowledged or otherwise agreed entry that some member never got. */
  "acked-but-lost",
  /** One place in a conversation with two different entries. */
  "two-orders",
  /** A device's messages in another order than it sent them. */
  "sender-order",
  /** An entry handed to one application twice. */
  "delivered-twice",
  /** An entry handed to an application after a later one. */
  "delivered-out-of-order",
  /** A receipt for something that its user had not got, or not read, by then. */
  "receipt-before-delivery",
  /** A message that all its readers have read, and whose sender was never told. */
  "read-never-told",
  /** An entry that went to a user who was no member at its place. */
  "leaked-to-stranger",
  /** A place in a conversation that nothing stands in. */
  "hole-in-seq",
  /** One command stored at two places. */
  "stored-twice",
  /** A repeated command that got another answer than before. */
  "answer-changed",
  /** A command that was refused and is in the conversation all the same. */
  "refused-but-stored",
  /** A command that nobody answered, though everything works again. */
  "never-answered",
  /** A timestamp below the one before it in its conversation. */
  "time-went-back",
  /** A message with another content, sender or conversation than it was sent with. */
  "content-changed",
  /** An entry that nobody sent. */
  "from-nowhere",
  /** A message whose status fell back. */
  "status-went-back",
  /** The server said that entries are gone, though none can be: nothing was wiped. */
  "false-gap",
  /** A server that died by itself or reported a fault of its own, a client that doesn't come back. */
  "failed",
] as const;

export type ViolationName = (typeof VIOLATION_NAMES)[number];

export interface Violation {
  readonly name: ViolationName;
  readonly text: string;
  /** What happened to the things that it is about, in order, with the places in the history. */
  readonly excerpt: readonly { readonly at: number; readonly happening: Happening }[];
}

/** Happenings in an excerpt at most. */
const EXCERPT = 24;

/** A violation with the happenings that `about` picks. */
export function violation(
  name: ViolationName,
  text: string,
  happenings: readonly Happening[],
  about: (happening: Happening) => boolean,
): Violation {
  const excerpt: { at: number; happening: Happening }[] = [];
  happenings.forEach((happening, at) => {
    if (about(happening)) excerpt.push({ at, happening });
  });
  const cut = excerpt.length > EXCERPT ? [...excerpt.slice(0, EXCERPT / 2), ...excerpt.slice(-EXCERPT / 2)] : excerpt;
  return { name, text, excerpt: cut };
}

/** Whether a happening is about a command or the entry that came of it. */
export function concerns(id: string): (happening: Happening) => boolean {
  return (happening) => {
    if ("id" in happening) return happening.id === id;
    return "entry" in happening && happening.entry.id === id;
  };
}

/** Whether a happening is about a place in a conversation. */
export function standsAt(conversation: string, seq: number): (happening: Happening) => boolean {
  return (happening) => {
    if (happening.type === "acked") return happening.conversation === conversation && happening.seq === seq;
    return "entry" in happening && happening.entry.conversation === conversation && happening.entry.seq === seq;
  };
}
