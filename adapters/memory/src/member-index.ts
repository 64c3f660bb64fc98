import { getOrMake } from "./get-or-make.js";

interface Membership {
  readonly member: boolean;
  readonly offset: number;
}

/** The conversations of each user, and which of them were left: the greatest offset decides for each pair. [R2 e] */
export class MemberIndex {
  readonly #users = new Map<string, Map<string, Membership>>();

  set(user: string, conversation: string, member: boolean, offset: number): void {
    const conversations = getOrMake(this.#users, user, () => new Map<string, Membership>());
    const there = conversations.get(conversation);
    if (there !== undefined && there.offset > offset) return;
    conversations.set(conversation, { member, offset });
  }

  /** Ids greater than `after`, ascending. */
  conversationsOf(user: string, after: string | null, limit: number): string[] {
    const found: string[] = [];
    for (const [conversation, { member }] of this.#users.get(user) ?? []) {
      if (member && (after === null || conversation > after)) found.push(conversation);
    }
    return found.sort().slice(0, limit);
  }
}
