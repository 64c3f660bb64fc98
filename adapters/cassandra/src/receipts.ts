import type { Write } from "sentseen/ports";
import { Batches } from "./batches.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { bigint, numberOf } from "./values.js";

type Receipt = Omit<Extract<Write, { kind: "receipt" }>, "kind">;

/** Watermarks: a row for each user in the partition of the conversation, each value its own time of writing. */
export class Receipts {
  constructor(private readonly statements: Statements) {}

  async put(call: Call, writes: readonly Receipt[]): Promise<void> {
    const batches = new Batches();
    for (const { conversation, user, delivered, read } of writes) {
      batches.add(conversation, [
        this.statements.of("put-delivered", bigint(delivered), bigint(delivered), conversation, user),
        this.statements.of("put-read", bigint(read), bigint(read), conversation, user),
      ]);
    }
    await call.land(batches);
  }

  /** Those of all users, for each conversation in the order asked. */
  async read(call: Call, conversations: readonly string[]): Promise<Receipt[][]> {
    const found: Receipt[][] = conversations.map(() => []);
    await call.each(conversations, async (conversation, index) => {
      const rows = await call.all(this.statements.of("read-receipts", conversation));
      found[index] = rows.map((row) => ({
        conversation,
        user: row.user_id,
        delivered: numberOf(row.delivered) ?? 0,
        read: numberOf(row.read) ?? 0,
      }));
    });
    return found;
  }
}
