import { ChatError } from "../errors.js";
import type { Uuid } from "../model/ids.js";
import type { TerminalChat } from "./terminal-chat.js";
import { printable, said, time } from "./words.js";

interface Command {
  readonly usage: string;
  readonly about: string;
  /** Rejects with a ChatError that says what was wrong. */
  readonly run: (session: TerminalChat, words: readonly string[]) => Promise<void>;
}

const HISTORY = 20;

/** What can be typed behind a slash. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries<Command>({
    to: {
      usage: "/to USER",
      about: "talk to a user",
      run: async (session, [user]) => session.talkTo(wanted(user, "whom to?")),
    },
    group: {
      usage: "/group NAME [USER…]",
      about: "make a group with these users; without users: talk in the group of that name",
      run: async (session, [name, ...users]) => {
        const called = wanted(name, "which group?");
        if (users.length > 0) return session.talkIn(await session.client.createGroup(called, users), called);
        const found = (await session.client.conversations()).find((one) => one.kind === "group" && one.name === called);
        if (found === undefined) throw new ChatError("not_found", `No group is called ${printable(called)}.`);
        session.talkIn(found.conversation, called);
      },
    },
    list: {
      usage: "/list",
      about: "your conversations",
      run: async (session) => {
        for (const { kind, name, user, unread, left } of await session.client.conversations()) {
          const title = kind === "group" ? `[${name}]` : (user ?? "");
          session.note(`${printable(title)}${unread > 0 ? ` ${unread} unread` : ""}${left ? " (left)" : ""}`);
        }
      },
    },
    history: {
      usage: "/history",
      about: `the last ${HISTORY} messages here`,
      run: async (session) => {
        const { entries } = await session.client.history(here(session), { limit: HISTORY });
        for (const entry of entries) {
          if (entry.type !== "message") continue;
          session.note(`${time(entry.timestamp)} ${entry.own ? "you" : printable(entry.sender)}: ${said(entry)}`);
        }
      },
    },
    who: {
      usage: "/who",
      about: "the members of this group",
      run: async (session) => {
        const members = await session.client.members(here(session));
        session.note(members.map(({ user, role }) => `${printable(user)} (${role})`).join(", "));
      },
    },
    add: {
      usage: "/add USER…",
      about: "add members",
      run: (session, users) => session.client.addMembers(here(session), users),
    },
    remove: {
      usage: "/remove USER…",
      about: "remove members",
      run: (session, users) => session.client.removeMembers(here(session), users),
    },
    rename: {
      usage: "/rename NAME",
      about: "rename this group",
      run: (session, words) => session.client.renameGroup(here(session), wanted(words.join(" "), "to what?")),
    },
    leave: {
      usage: "/leave",
      about: "leave this group",
      run: (session) => session.client.leaveGroup(here(session)),
    },
    help: {
      usage: "/help",
      about: "this",
      run: async (session) => {
        for (const { usage, about } of COMMANDS.values()) session.note(`${usage.padEnd(20)} ${about}`);
        session.note(`${"/quit".padEnd(20)} end; so do Ctrl-C and Ctrl-D`);
      },
    },
  }),
);

function here({ target }: TerminalChat): Uuid {
  if (target === undefined) throw new ChatError("invalid", "Choose a conversation first: /to USER or /group NAME.");
  return target.conversation;
}

function wanted(word: string | undefined, question: string): string {
  if (word === undefined || word === "") throw new ChatError("invalid", question);
  return word;
}
