import type { UserId, Uuid } from "../model/ids.js";
import type { Entry } from "../model/message.js";

interface Senders {
  /** What was sent before this seq isn't known. */
  readonly since: number;
  readonly users: Map<UserId, number>;
}

/** Who sent what last, as far as this process has seen: what isn't known counts as "perhaps". */
export class LastSent {
  private readonly conversations = new Map<Uuid, Senders>();

  constructor(private readonly cached: number) {}

  note({ conversation, sender, seq }: Entry): void {
    let senders = this.conversations.get(conversation);
    if (senders === undefined) {
      senders = { since: seq, users: new Map() };
      this.conversations.set(conversation, senders);
      if (this.conversations.size > this.cached) {
        for (const oldest of this.conversations.keys()) {
          this.conversations.delete(oldest);
          break;
        }
      }
    }
    senders.users.set(sender, seq);
  }

  /** Whether the user may have sent something after a seq. */
  sentAfter(conversation: Uuid, user: UserId, seq: number): boolean {
    const senders = this.conversations.get(conversation);
    if (senders === undefined) return true;
    const last = senders.users.get(user);
    return last === undefined ? seq + 1 < senders.since : last > seq;
  }
}
