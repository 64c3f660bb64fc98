import fc from "fast-check";
import { decide } from "../../src/messages/decide.js";
import type { Action, Command } from "../../src/model/command.js";
import type { ConversationState } from "../../src/model/conversation.js";
import type { Decision } from "../../src/model/decision.js";
import { ROLES } from "../../src/model/message.js";

export const MAX_MEMBERS = 4;

const user = fc.constantFrom("alice", "bob", "carol", "dave", "erin", "frank");
const users = fc.array(user, { maxLength: 5 });
const text = fc.string({ maxLength: 8 });

const send: fc.Arbitrary<Action> = fc.record({
  type: fc.constant("send" as const),
  content_type: fc.constantFrom("text" as const, "image" as const),
  content: fc.uint8Array({ maxLength: 8 }),
});

const groupAction: fc.Arbitrary<Action> = fc.oneof(
  send,
  fc.record({ type: fc.constant("create" as const), name: text, users }),
  fc.record({ type: fc.constant("rename" as const), name: text }),
  fc.record({ type: fc.constantFrom("add" as const, "remove" as const), users }),
  fc.record({ type: fc.constant("leave" as const) }),
  fc.record({ type: fc.constant("role" as const), user, role: fc.constantFrom(...ROLES) }),
);

function commands(action: fc.Arbitrary<Action>, senders: fc.Arbitrary<string>): fc.Arbitrary<Command[]> {
  const one = fc.record({
    conversation: fc.constant("conversation"),
    id: fc.uuid(),
    sender: senders,
    device: fc.uuid(),
    timestamp: fc.nat(1_000),
    origin: fc.constant({ node: "node", connection: 1, ref: 1 }),
    own_copy: fc.boolean(),
    action,
  });
  return fc.array(one, { maxLength: 40, size: "max" });
}

/** Commands of all sorts to a group that the first of them makes, unless it is refused. */
export const groupCommands: fc.Arbitrary<Command[]> = fc
  .tuple(commands(groupAction, user), fc.array(user, { maxLength: MAX_MEMBERS }))
  .map(([[first, ...others], named]) => {
    return first === undefined
      ? []
      : [{ ...first, action: { type: "create", name: "group", users: named } }, ...others];
  });

/** What alice and bob, and now and then somebody else, ask of the direct conversation of alice and bob. */
export const directCommands: fc.Arbitrary<Command[]> = commands(
  fc.oneof({ weight: 4, arbitrary: send }, { weight: 1, arbitrary: groupAction }),
  fc.constantFrom("alice", "alice", "bob", "bob", "carol"),
).map((given) =>
  given.map((command) => {
    if (command.action.type !== "send" || command.sender === "carol") return command;
    return { ...command, action: { ...command.action, to: command.sender === "alice" ? "bob" : "alice" } };
  }),
);

/** One command of a run. */
export interface Step {
  readonly before: ConversationState | null;
  readonly command: Command;
  readonly offset: number;
  readonly decision: Decision;
  readonly after: ConversationState | null;
}

/** Decides commands one after the other, each in the state that the ones before it left. */
export function decideAll(given: readonly Command[]): Step[] {
  const steps: Step[] = [];
  let before: ConversationState | null = null;
  for (const [at, command] of given.entries()) {
    const offset = (at + 1) * 3;
    const decision: Decision = decide(before, command, offset, MAX_MEMBERS);
    const after: ConversationState | null = decision.next ?? before;
    steps.push({ before, command, offset, decision, after });
    before = after;
  }
  return steps;
}
