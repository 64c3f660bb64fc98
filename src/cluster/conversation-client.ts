import { History, type HistoryPage, type HistoryRange } from "../messages/history.js";
import type { ConversationState } from "../model/conversation.js";
import type { UserId, Uuid } from "../model/ids.js";
import { mergeWatermarks, type Receipt, type Watermarks } from "../model/receipt.js";
import type { Storage, Versioned } from "../ports/storage.js";
import { conversationFrom } from "../ports/stored.js";
import { BatchedAsk } from "./batched-ask.js";
import { MergedAsks } from "./merged-asks.js";
import type { NodeLink } from "./node-link.js";
import type { Report } from "./node-message.js";
import type { Routes } from "./topics.js";

export interface ConversationClientOptions {
  readonly link: NodeLink;
  readonly routes: Routes;
  readonly storage: Pick<Storage, "history" | "conversationsOf">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long entries are kept, in milliseconds; null for ever, 0 for not at all. */
  readonly historyMs: number | null;
  readonly failed: (error: unknown) => void;
}

/** Conversations as a gateway sees them: their owners, on whatever nodes, know them best. */
export class ConversationClient {
  private readonly states: BatchedAsk<ConversationState | null>;
  private readonly marks: BatchedAsk<readonly Receipt[]>;
  private readonly memberships: BatchedAsk<unknown>;
  private readonly reports: MergedAsks<Report>;
  private readonly stored: History;

  constructor(private readonly options: ConversationClientOptions) {
    const { link, storage, now, historyMs, failed } = options;
    this.states = new BatchedAsk(async (topic, ids) => {
      const found = await link.ask<(Versioned | null)[]>(topic, { about: "conversations", ids });
      return found.map((row) => (row === null ? null : conversationFrom(row.value, row.offset)));
    });
    this.marks = new BatchedAsk(async (topic, ids) => {
      await this.reports.flush(topic);
      return link.ask(topic, { about: "watermarks", ids });
    });
    this.memberships = new BatchedAsk((topic, users) => link.ask(topic, { about: "memberships", users }));
    this.reports = new MergedAsks<Report>({
      link,
      failed,
      keyOf: ([user, conversation]) => conversation + user,
      userOf: ([user]) => user,
      merge: ([user, conversation, ...before], [, , ...after]) => {
        const { delivered, read } = mergeWatermarks(watermarksOf(before), watermarksOf(after));
        return [user, conversation, delivered, read];
      },
      question: (reports) => ({ about: "reports", reports }),
      confirmed: () => {},
    });
    this.stored = new History({ storage, now, keepMs: historyMs, released: () => Number.MAX_SAFE_INTEGER });
  }

  /** No conversation is held here. */
  held(): undefined {
    return undefined;
  }

  load(id: Uuid): Promise<ConversationState | null> {
    return this.states.ask(this.options.routes.conversationOwner(id), id);
  }

  /** A user's conversations are in all partitions: their owners write first what they hold of the user's coming and going. */
  async conversationsOf(user: UserId, after: Uuid | null, limit: number): Promise<Uuid[]> {
    await Promise.all(this.options.routes.conversationOwners().map((topic) => this.memberships.ask(topic, user)));
    return this.options.storage.conversationsOf(user, after, limit);
  }

  /** The watermarks of all members. */
  watermarks(state: ConversationState): Promise<readonly Receipt[]> {
    return this.marks.ask(this.options.routes.conversationOwner(state.id), state.id);
  }

  report(user: UserId, conversation: Uuid, { delivered, read }: Watermarks): void {
    this.reports.add(this.options.routes.conversationOwner(conversation), [user, conversation, delivered, read]);
  }

  reportsConfirmed(user: UserId): boolean {
    return this.reports.isConfirmed(user);
  }

  get historyKept(): boolean {
    return this.stored.kept;
  }

  /** Once the owner has written what it holds, storage has all there is. */
  async history(conversation: Uuid, range: HistoryRange): Promise<HistoryPage> {
    await this.options.link.ask(this.options.routes.conversationOwner(conversation), { about: "written" });
    return this.stored.read(conversation, range);
  }

  close(deadlineMs: number): Promise<void> {
    return this.reports.close(deadlineMs);
  }
}

function watermarksOf([delivered = 0, read = 0]: readonly number[]): Watermarks {
  return { delivered, read };
}
