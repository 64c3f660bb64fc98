import type { Happening } from "../history.js";
import type { Log } from "./log.js";
import { Membership } from "./membership.js";
import { standsAt, type Violation, violation } from "./violation.js";

/** How far a user's devices have come in a conversation, as the history goes by. */
class Progress {
  private readonly had = new Set<number>();
  private reached = 0;

  /** Seqs, each with when it was sent. */
  constructor(private readonly owed: readonly { readonly seq: number; readonly at: number }[]) {}

  add(seq: number): void {
    this.had.add(seq);
    for (let next = this.owed[this.reached]; next && this.had.has(next.seq); next = this.owed[this.reached])
      this.reached++;
  }

  /** What was sent before may be in the conversation only, which no watermark waits for. */
  gap(at: number): void {
    for (const one of this.owed) if (one.at < at) this.add(one.seq);
  }

  /** The first seq up to `seq` that the user is owed and hasn't got; null where there is none. */
  firstMissing(seq: number): number | null {
    const next = this.owed[this.reached];
    return next !== undefined && next.seq <= seq ? next.seq : null;
  }
}

/**
 * No receipt runs ahead of what it is about: whenever somebody is told that a user has everything up to a seq, some
 * device of the user had each of them on the wire before; that it is read, some application of the user had. Unless one
 * was told of a gap: then some entries are to be found in conversations, which is not for receipts to say.
 */
export function checkReceipts(log: Log): Violation[] {
  const { commands, conversations, happenings } = log;
  const violations: Violation[] = [];
  const progress = new Map<
    string,
    { readonly user: string; readonly delivered: Progress; readonly read: Progress; readonly joins: number[] }
  >();
  for (const [conversation, places] of conversations) {
    const membership = new Membership(places);
    for (const user of membership.users()) {
      // What a user has sent itself it needn't be told of.
      const others = places.filter(({ id }) => commands.get(id)?.submitted.user !== user);
      const owed = others
        .filter(({ seq }) => membership.right(user, seq) === "owed")
        .map(({ seq, id }) => ({ seq, at: commands.get(id)?.at ?? 0 }));
      const joins = membership.joins(user);
      progress.set(`${conversation} ${user}`, {
        user,
        delivered: new Progress(owed),
        read: new Progress(owed),
        joins,
      });
    }
  }

  happenings.forEach((happening, at) => {
    if (happening.type === "received") {
      progress.get(`${happening.entry.conversation} ${happening.user}`)?.delivered.add(happening.entry.seq);
    }
    if (happening.type === "delivered" || happening.type === "found") {
      progress.get(`${happening.entry.conversation} ${happening.user}`)?.read.add(happening.entry.seq);
    }
    if (happening.type === "gap") {
      for (const { user, delivered, read } of progress.values()) {
        if (user !== happening.user) continue;
        delivered.gap(at);
        read.gap(at);
      }
    }
    if (happening.type === "watermark") look(happening, at);
  });

  function look(mark: Extract<Happening, { type: "watermark" }>, at: number): void {
    const of = progress.get(`${mark.conversation} ${mark.user}`);
    if (of === undefined) return;
    for (const kind of ["delivered", "read"] as const) {
      // Where a member joins, its watermarks begin there, whatever it had before.
      const begins = of.joins.includes(mark[kind] + 1);
      const seq = begins ? null : of[kind].firstMissing(mark[kind]);
      if (seq === null) continue;
      const text = `${mark.user} is said to have ${kind} seq ${mark[kind]} of ${mark.conversation} and lacks seq ${seq}`;
      const until = happenings.slice(0, at + 1);
      const about = (happening: Happening): boolean =>
        happening === mark || standsAt(mark.conversation, seq)(happening);
      violations.push(violation("receipt-before-delivery", text, until, about));
    }
  }
  return violations;
}
