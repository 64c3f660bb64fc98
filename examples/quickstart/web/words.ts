import type { ChatChange, ChatEntry } from "sentseen/client";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const list = new Intl.ListFormat("en", { type: "conjunction" });

export const time = (timestamp: number): string => clock.format(timestamp);

/** What tells one day from another. */
export const dayKey = (timestamp: number): string => new Date(timestamp).toDateString();

export function day(timestamp: number): string {
  return dayKey(timestamp) === dayKey(Date.now()) ? "Today" : date.format(timestamp);
}

/** The time where it was today, else the day. */
export function when(timestamp: number): string {
  return dayKey(timestamp) === dayKey(Date.now()) ? time(timestamp) : shortDate.format(timestamp);
}

/** A change of a group, told to `me`. */
export function tellChange({ sender, change }: ChatChange, me: string): string {
  const name = (user: string): string => (user === me ? "you" : user);
  const names = (users: readonly string[]): string => list.format(users.map(name));
  const who = sender === me ? "You" : sender;
  switch (change.kind) {
    case "created":
      return `${who} made the group “${change.name}” with ${names(change.users.filter((user) => user !== sender))}`;
    case "renamed":
      return `${who} renamed the group to “${change.name}”`;
    case "added":
      return `${who} added ${names(change.users)}`;
    case "removed":
      return `${who} removed ${names(change.users)}`;
    case "left":
      return change.owner === undefined ? `${who} left` : `${who} left; ${name(change.owner)} is the owner now`;
    case "role":
      return `${who} made ${name(change.user)} ${change.role === "member" ? "a member" : `an ${change.role}`}`;
  }
}

/** An entry in one line, for the list of conversations. */
export function preview(entry: ChatEntry, me: string, kind: "direct" | "group"): string {
  if (entry.type === "change") return tellChange(entry, me);
  const said = entry.content_type === "text" ? entry.text : `(${entry.content_type})`;
  if (entry.own) return `You: ${said}`;
  return kind === "group" ? `${entry.sender}: ${said}` : said;
}
