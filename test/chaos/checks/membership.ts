import type { SeenEntry } from "../history.js";
import type { Place } from "./log.js";

/** Whether a user is owed an entry, may have it, or must not. */
export type Right = "owed" | "allowed" | "forbidden";

/**
 * Who may see what of one conversation, by the log's own changes. A member that an entry removes may see that entry
 * and isn't owed it.
 */
export class Membership {
  private readonly byUser = new Map<string, { readonly from: number; to: number }[]>();

  constructor(places: readonly Place[]) {
    for (const { seq, entry } of places) if (entry !== undefined) this.apply(seq, entry);
  }

  private apply(seq: number, entry: SeenEntry): void {
    const { change } = entry;
    if (change === undefined) {
      if (entry.to === undefined) return;
      // The first message of a direct conversation makes it, and its two members stay for ever.
      this.enter(entry.sender, 1);
      this.enter(entry.to, 1);
      return;
    }
    if (change.kind === "created" || change.kind === "added") for (const user of change.users) this.enter(user, seq);
    if (change.kind === "removed") for (const user of change.users) this.leave(user, seq);
    if (change.kind === "left") this.leave(entry.sender, seq);
  }

  private enter(user: string, seq: number): void {
    const spans = this.byUser.get(user) ?? [];
    this.byUser.set(user, spans);
    if (spans.at(-1)?.to !== Number.POSITIVE_INFINITY) spans.push({ from: seq, to: Number.POSITIVE_INFINITY });
  }

  private leave(user: string, seq: number): void {
    const span = this.byUser.get(user)?.at(-1);
    if (span !== undefined && span.to === Number.POSITIVE_INFINITY) span.to = seq;
  }

  users(): string[] {
    return [...this.byUser.keys()];
  }

  /** Where the user became a member, once or again. */
  joins(user: string): number[] {
    return (this.byUser.get(user) ?? []).map(({ from }) => from);
  }

  /** Where the present stay of a user who is a member in the end began; null for others. */
  staysFrom(user: string): number | null {
    const last = this.byUser.get(user)?.at(-1);
    return last?.to === Number.POSITIVE_INFINITY ? last.from : null;
  }

  right(user: string, seq: number): Right {
    for (const { from, to } of this.byUser.get(user) ?? []) {
      if (seq >= from && seq < to) return "owed";
      if (seq === to) return "allowed";
    }
    return "forbidden";
  }
}
