import type { Versioned, Write } from "sentseen/ports";
import { Batches } from "./batches.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { atMost, bigint, blob } from "./values.js";
import { versioned } from "./versioned.js";

type ConversationWrite = Extract<Write, { kind: "conversation" }>;

/** The states of conversations, and the index of who is a member of what. */
export class Conversations {
  constructor(private readonly statements: Statements) {}

  /** The index lands before the state: a record at or below a conversation's state is wholly done. [R2 a] */
  async put(call: Call, writes: readonly ConversationWrite[]): Promise<void> {
    const members = new Batches();
    const states = new Batches();
    for (const { conversation, value, offset, joined, left } of writes) {
      const time = bigint(offset);
      for (const user of joined) members.add(user, [this.statements.of("put-member", user, conversation, time)]);
      for (const user of left) members.add(user, [this.statements.of("delete-member", time, user, conversation)]);
      states.add(conversation, [this.statements.of("put-conversation", time, time, blob(value), conversation)]);
    }
    await call.land(members);
    await call.land(states);
  }

  /** In the order of the ids; null for what isn't there. */
  async read(call: Call, ids: readonly string[]): Promise<(Versioned | null)[]> {
    const found = new Array<Versioned | null>(ids.length).fill(null);
    await call.each(ids, async (id, index) => {
      const { rows } = await call.execute(this.statements.of("read-conversation", id));
      found[index] = versioned(rows[0]);
    });
    return found;
  }

  async of(call: Call, user: string, after: string | null, limit: number): Promise<string[]> {
    if (limit < 1) return [];
    const rows = await call.all(this.statements.of("read-memberships", user, after ?? "", atMost(limit)));
    return rows.map((row) => row.conversation_id);
  }
}
