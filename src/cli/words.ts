import type { ChatChange, ChatMessage, Status } from "../client/message.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const time = (timestamp: number): string => clock.format(timestamp);

export const TICKS: Readonly<Record<Status, string>> = {
  queued: "…",
  sent: "✓",
  delivered: "✓✓",
  read: "✓✓ read",
  failed: "✗",
};

/**
 * What somebody else wrote, safe to write to a terminal: control characters, which could move the cursor or worse,
 * show as such. Lines after the first are indented.
 */
export function printable(text: string): string {
  const visible = text.replaceAll(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
  return visible.replaceAll("\n", "\n      ");
}

export function said(message: ChatMessage): string {
  return message.content_type === "text" ? printable(message.text) : `(${message.content_type})`;
}

/** A change of a group in a sentence. */
export function changed({ sender, change }: ChatChange): string {
  const who = printable(sender);
  switch (change.kind) {
    case "created":
      return `${who} made the group ${printable(change.name)}: ${printable(change.users.join(", "))}`;
    case "renamed":
      return `${who} renamed the group to ${printable(change.name)}`;
    case "added":
      return `${who} added ${printable(change.users.join(", "))}`;
    case "removed":
      return `${who} removed ${printable(change.users.join(", "))}`;
    case "left":
      return change.owner === undefined ? `${who} left` : `${who} left; owner is ${printable(change.owner)}`;
    case "role":
      return `${who} made ${printable(change.user)} ${change.role}`;
  }
}
