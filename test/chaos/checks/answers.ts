import type { SeenEntry } from "../history.js";
import type { Log, Sent } from "./log.js";
import { concerns, type Violation, violation } from "./violation.js";

/** Every command that reached an outbox has one answer, and the same one each time. */
export function checkAnswers(log: Log): Violation[] {
  const { commands, happenings, placeOf, refused } = log;
  const violations: Violation[] = [];
  for (const id of unanswered(log)) {
    violations.push(violation("never-answered", `${id} has neither ack nor refusal`, happenings, concerns(id)));
  }
  for (const id of refused) {
    if (!placeOf.has(id)) continue;
    const text = `${id} was refused, and stands in the conversation`;
    violations.push(violation("refused-but-stored", text, happenings, concerns(id)));
  }
  for (const [id, place] of placeOf) {
    const command = commands.get(id);
    if (command === undefined) {
      violations.push(violation("from-nowhere", `nobody sent ${id}`, happenings, concerns(id)));
      continue;
    }
    const wanted = command.submitted.conversation;
    if (wanted !== undefined && wanted !== place.conversation) {
      const text = `${id} was sent to ${wanted} and stands in ${place.conversation}`;
      violations.push(violation("content-changed", text, happenings, concerns(id)));
    }
  }
  return violations;
}

/**
 * Commands that are in a device's outbox for sure and have no answer yet. An entry that comes back to the device that
 * sent it answers it too: the ack was lost, the command wasn't.
 */
export function unanswered({ commands, happenings, refused }: Log): string[] {
  const answered = new Set(refused);
  for (const happening of happenings) {
    if (happening.type === "acked") answered.add(happening.id);
    if (happening.type !== "received") continue;
    const { entry, device } = happening;
    if (commands.get(entry.id)?.submitted.device === device) answered.add(entry.id);
  }
  return [...commands].filter(([id, command]) => command.queued && !answered.has(id)).map(([id]) => id);
}

/** What was handed on is what was sent. */
export function checkContents({ commands, happenings }: Log): Violation[] {
  const violations: Violation[] = [];
  const look = (entry: SeenEntry): void => {
    const command = commands.get(entry.id);
    const difference = command === undefined ? null : differs(command, entry);
    if (difference === null) return;
    violations.push(violation("content-changed", `${entry.id}: ${difference}`, happenings, concerns(entry.id)));
  };
  for (const happening of happenings) {
    if ("entry" in happening) look(happening.entry);
    if ("entries" in happening) happening.entries.forEach(look);
  }
  return violations;
}

function differs({ submitted }: Sent, entry: SeenEntry): string | null {
  if (entry.sender !== submitted.user) return `sent by ${submitted.user}, came from ${entry.sender}`;
  if (entry.digest !== submitted.digest) return `sent as ${submitted.digest}, came as ${entry.digest}`;
  if (submitted.to !== undefined && entry.to !== submitted.to) return `sent to ${submitted.to}, came as to ${entry.to}`;
  return null;
}

const STEPS = ["queued", "sent", "delivered", "read"];

/** The status of a message only goes forward; `failed` is the end. */
export function checkStatuses({ happenings }: Log): Violation[] {
  const violations: Violation[] = [];
  const last = new Map<string, string>();
  for (const happening of happenings) {
    if (happening.type !== "status") continue;
    const key = `${happening.device} ${happening.id}`;
    const before = last.get(key) ?? "queued";
    last.set(key, happening.status);
    if (before === happening.status) continue;
    const failed = before === "failed" || happening.status === "failed";
    if (failed ? before === "queued" : STEPS.indexOf(happening.status) > STEPS.indexOf(before)) continue;
    const text = `${happening.id} went from ${before} back to ${happening.status}`;
    violations.push(violation("status-went-back", text, happenings, concerns(happening.id)));
  }
  return violations;
}
