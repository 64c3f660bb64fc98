import type { Line } from "./traffic.js";

/** What happens in one group, in order. A user's device is offline until it comes online. */
export type GroupStep =
  | { readonly do: "online" | "offline"; readonly user: string }
  | { readonly do: "say"; readonly user: string; readonly text: string };

/** A part of the traffic's users, who are members of one group from its start. */
export interface Group {
  readonly name: string;
  readonly members: readonly string[];
  readonly steps: readonly GroupStep[];
}

/**
 * Spreads the users of some traffic over groups of at most `most` members, as evenly as can be, in the order in which
 * they appear. Each group gets the lines of its members.
 */
export function splitIntoGroups(name: string, lines: readonly Line[], most: number): Group[] {
  const users = [...new Set(lines.map(({ user }) => user))];
  const count = Math.ceil(users.length / most);
  const groupOf = new Map(users.map((user, i) => [user, i % count]));
  return Array.from({ length: count }, (_, index) => ({
    name: count === 1 ? name : `${name} ${index + 1}/${count}`,
    members: users.filter((user) => groupOf.get(user) === index),
    steps: stepsOf(lines.filter(({ user }) => groupOf.get(user) === index)),
  }));
}

/** A join brings a device online, a leave takes it offline, and who speaks without having joined is online from then. */
function stepsOf(lines: readonly Line[]): GroupStep[] {
  const steps: GroupStep[] = [];
  const online = new Set<string>();
  for (const line of lines) {
    if (line.do === "leave") {
      if (online.delete(line.user)) steps.push({ do: "offline", user: line.user });
      continue;
    }
    if (!online.has(line.user)) {
      online.add(line.user);
      steps.push({ do: "online", user: line.user });
    }
    if (line.do === "say") steps.push({ do: "say", user: line.user, text: line.text });
  }
  return steps;
}

/** What every member's transcript must be in the end. */
export function transcriptOf({ steps }: Group): { readonly user: string; readonly text: string }[] {
  return steps.flatMap((step) => (step.do === "say" ? [{ user: step.user, text: step.text }] : []));
}
