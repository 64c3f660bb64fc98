import fc from "fast-check";
import { expect, test } from "vitest";
import type { ConversationState } from "../../src/model/conversation.js";
import type { GroupChange, Role } from "../../src/model/message.js";
import { decideAll, directCommands, groupCommands, MAX_MEMBERS } from "./decide-commands.js";

test("a group has exactly one owner as long as it has members, and never more members than it may", () => {
  fc.assert(
    fc.property(groupCommands, (commands) => {
      for (const { after } of decideAll(commands)) {
        const roles = [...(after?.members.values() ?? [])].map(({ role }) => role);
        expect(roles.filter((role) => role === "owner")).toHaveLength(roles.length > 0 ? 1 : 0);
        expect(roles.length).toBeLessThanOrEqual(MAX_MEMBERS);
      }
    }),
  );
});

test("an entry goes to all who were members before it and all who are after; without a copy, not to its sender", () => {
  fc.assert(
    fc.property(fc.oneof(groupCommands, directCommands), (commands) => {
      for (const { before, command, decision, after } of decideAll(commands)) {
        if (decision.next === null) continue;
        const wanted = new Set([...members(before), ...members(after)]);
        if (!command.own_copy) wanted.delete(command.sender);
        const recipients = [...decision.recipients];
        expect(recipients).toHaveLength(wanted.size);
        expect(new Set(recipients)).toEqual(wanted);
      }
    }),
  );
});

test("only members are heard, and who isn't one any more is no longer", () => {
  fc.assert(
    fc.property(groupCommands, (commands) => {
      for (const { before, command, decision } of decideAll(commands)) {
        if (before === null || command.action.type === "create" || before.members.has(command.sender)) continue;
        expect(decision).toEqual({ answer: { ok: false, code: "not_member" }, next: null });
      }
    }),
  );
});

test("who joins sees from the change on that let them in, and keeps that place while a member", () => {
  fc.assert(
    fc.property(groupCommands, (commands) => {
      for (const { before, after } of decideAll(commands)) {
        for (const [user, { joined }] of after?.members ?? []) {
          expect(joined).toBe(before?.members.get(user)?.joined ?? after?.head);
        }
      }
    }),
  );
});

test("the version is the seq of the last change; messages leave it, the name and the members alone", () => {
  fc.assert(
    fc.property(groupCommands, (commands) => {
      for (const { before, decision, after } of decideAll(commands)) {
        if (decision.next === null) continue;
        if (decision.entry.type === "change") expect(after?.version).toBe(decision.entry.seq);
        else expect(after).toMatchObject({ version: before?.version, name: before?.name, members: before?.members });
      }
    }),
  );
});

test("a change says all that happened: whoever follows the changes knows name, members and roles", () => {
  fc.assert(
    fc.property(groupCommands, (commands) => {
      let name = "";
      const roles = new Map<string, Role>();
      for (const { decision, after } of decideAll(commands)) {
        if (decision.next === null || decision.entry.type !== "change") continue;
        const { change, sender } = decision.entry;
        if (change.kind === "created" || change.kind === "renamed") name = change.name;
        follow(change, sender, roles);
        expect(after?.name).toBe(name);
        expect(new Map([...(after?.members ?? [])].map(([user, { role }]) => [user, role]))).toEqual(roles);
      }
    }),
  );
});

/** What a client makes of a change. */
function follow(change: GroupChange, sender: string, roles: Map<string, Role>): void {
  switch (change.kind) {
    case "created":
    case "added":
      for (const user of change.users) roles.set(user, "member");
      if (change.kind === "created") roles.set(sender, "owner");
      return;
    case "removed":
      for (const user of change.users) roles.delete(user);
      return;
    case "left":
      roles.delete(sender);
      if (change.owner !== undefined) roles.set(change.owner, "owner");
      return;
    case "role":
      if (change.role === "owner") roles.set(sender, "admin");
      roles.set(change.user, change.role);
  }
}

test("a direct conversation has its two users for ever, and each message says who the other one is", () => {
  fc.assert(
    fc.property(directCommands, (commands) => {
      for (const { before, command, decision, after } of decideAll(commands)) {
        if (after?.kind !== "direct") continue;
        expect(members(after).sort()).toEqual(["alice", "bob"]);
        if (decision.next === null) continue;
        expect(decision.entry).toMatchObject({ type: "message", to: command.sender === "alice" ? "bob" : "alice" });
        expect(before?.members ?? after.members).toEqual(after.members);
      }
    }),
  );
});

function members(state: ConversationState | null): string[] {
  return [...(state?.members.keys() ?? [])];
}
