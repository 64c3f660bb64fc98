import { decide } from "../../src/messages/decide.js";
import type { LoggedCommand } from "../../src/messages/partition.js";
import type { Answer } from "../../src/model/command.js";
import type { ConversationState } from "../../src/model/conversation.js";
import type { UserId, Uuid } from "../../src/model/ids.js";
import type { Entry } from "../../src/model/message.js";
import type { Offset } from "../../src/ports/index.js";
import { conversationValue, entryValue } from "../../src/ports/stored.js";
import { Cells, cellsOf } from "./log-cells.js";

/** What a record comes to. */
export interface Verdict {
  readonly answer: Answer;
  readonly entry: Entry | null;
  readonly recipients: ReadonlySet<UserId>;
}

/** The log read once from its beginning to its end by someone who forgets nothing and never stops. */
export class Ideal {
  readonly cells = new Cells();
  private readonly states = new Map<Uuid, ConversationState>();
  private readonly answers = new Map<Uuid, Answer>();
  private readonly verdicts = new Map<Offset, Verdict>();

  constructor(private readonly maxMembers: number) {}

  append({ offset, command }: LoggedCommand): void {
    this.verdicts.set(offset, this.judge({ offset, command }));
  }

  verdict(offset: Offset): Verdict {
    const verdict = this.verdicts.get(offset);
    if (verdict === undefined) throw new Error(`the log has no record at ${offset}`);
    return verdict;
  }

  private judge({ offset, command }: LoggedCommand): Verdict {
    const known = this.answers.get(command.id);
    if (known !== undefined) return { answer: known, entry: null, recipients: new Set() };
    const before = this.states.get(command.conversation) ?? null;
    const decision = decide(before, command, offset, this.maxMembers);
    this.answers.set(command.id, decision.answer);
    if (decision.next === null) return { answer: decision.answer, entry: null, recipients: new Set() };
    const { answer, entry, next } = decision;
    const recipients = new Set(decision.recipients);
    this.states.set(next.id, next);
    this.keep(before, next, entry, recipients, offset);
    return { answer, entry, recipients };
  }

  private keep(
    before: ConversationState | null,
    next: ConversationState,
    entry: Entry,
    recipients: ReadonlySet<UserId>,
    offset: Offset,
  ): void {
    const value = entryValue(entry);
    const [conversation, expires_at] = [next.id, null];
    this.cells.land(cellsOf({ kind: "history", conversation, seq: entry.seq, value, offset, expires_at }));
    for (const user of recipients) {
      this.cells.land(cellsOf({ kind: "mailbox", user, rows: [{ position: offset, value }], expires_at }));
    }
    const joined = [...next.members.keys()];
    const left = [...(before?.members.keys() ?? [])].filter((user) => !next.members.has(user));
    this.cells.land(
      cellsOf({ kind: "conversation", conversation, value: conversationValue(next), offset, joined, left }),
    );
  }
}
