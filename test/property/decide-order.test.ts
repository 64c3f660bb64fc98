import fc from "fast-check";
import { expect, test } from "vitest";
import { decide } from "../../src/messages/decide.js";
import { decideAll, directCommands, groupCommands, MAX_MEMBERS } from "./decide-commands.js";

const conversations = fc.oneof(groupCommands, directCommands);

test("what is placed takes the next seq, and nothing else takes one", () => {
  fc.assert(
    fc.property(conversations, (commands) => {
      let head = 0;
      for (const { decision, after, offset } of decideAll(commands)) {
        if (decision.next === null) continue;
        head++;
        expect(decision.answer).toMatchObject({ ok: true, seq: head });
        expect(decision.entry.seq).toBe(head);
        expect(after).toMatchObject({ head, offset });
      }
    }),
  );
});

test("timestamps never decrease, whatever the gateways' clocks say", () => {
  fc.assert(
    fc.property(conversations, (commands) => {
      let last = 0;
      for (const { command, decision, after } of decideAll(commands)) {
        if (decision.next === null) continue;
        const { timestamp } = decision.entry;
        expect(timestamp).toBe(Math.max(last, command.timestamp));
        expect(decision.answer).toMatchObject({ timestamp });
        expect(after).toMatchObject({ timestamp });
        last = timestamp;
      }
    }),
  );
});

test("an entry says whose command it was", () => {
  fc.assert(
    fc.property(conversations, (commands) => {
      for (const { command, decision } of decideAll(commands)) {
        if (decision.next === null) continue;
        const { conversation, id, sender, device } = command;
        expect(decision.entry).toMatchObject({ conversation, id, sender, sender_device: device });
      }
    }),
  );
});

test("the same command in the same state comes to the same, and changes neither", () => {
  fc.assert(
    fc.property(conversations, (commands) => {
      for (const { before, command, offset } of decideAll(commands)) {
        const [state, given] = [structuredClone(before), structuredClone(command)];
        const once = written(decide(before, command, offset, MAX_MEMBERS));
        const again = written(decide(before, command, offset, MAX_MEMBERS));
        expect(again).toEqual(once);
        expect(written(decide(state, given, offset, MAX_MEMBERS))).toEqual(once);
        expect([before, command]).toEqual([state, given]);
      }
    }),
    { numRuns: 50 },
  );
});

/** A decision with its recipients and members as lists, since their order counts too. */
function written(decision: ReturnType<typeof decide>): unknown {
  if (decision.next === null) return decision;
  return { ...decision, recipients: [...decision.recipients], members: [...decision.next.members] };
}
