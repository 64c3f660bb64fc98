import type { Happening } from "../history.js";
import type { Log } from "./log.js";
import { concerns, standsAt, type Violation, violation } from "./violation.js";

/** The order of each conversation by itself: no holes, no time going back. */
export function checkPlaces({ conversations, happenings }: Log): Violation[] {
  const violations: Violation[] = [];
  for (const [conversation, places] of conversations) {
    let seq = 0;
    let timestamp = 0;
    for (const place of places) {
      if (place.seq !== seq + 1) {
        const text = `nobody ever saw seq ${seq + 1} of ${conversation}, though there is a seq ${place.seq}`;
        const about = (happening: Happening) =>
          standsAt(conversation, seq)(happening) || standsAt(conversation, place.seq)(happening);
        violations.push(violation("hole-in-seq", text, happenings, about));
      }
      if (place.timestamp < timestamp) {
        const text = `seq ${place.seq} of ${conversation} has ${place.timestamp}, the one before ${timestamp}`;
        violations.push(violation("time-went-back", text, happenings, standsAt(conversation, place.seq)));
      }
      seq = place.seq;
      timestamp = place.timestamp;
    }
  }
  return violations;
}

/** Each device's messages, and its changes, stand in each conversation in the order in which it sent them. [R4] */
export function checkSenders({ commands, placeOf, happenings }: Log): Violation[] {
  const violations: Violation[] = [];
  const last = new Map<string, { id: string; seq: number }>();
  // The map keeps the order of submission.
  for (const [id, { submitted }] of commands) {
    const place = placeOf.get(id);
    if (place === undefined) continue;
    // A change is written down when it is on the wire, a message when the application sends it.
    const kind = submitted.digest === undefined ? "change" : "message";
    const key = `${kind} ${submitted.device} ${place.conversation}`;
    const before = last.get(key);
    if (before !== undefined && before.seq > place.seq) {
      const text = `${submitted.device} sent ${before.id} and then ${id}, but they stand at seq ${before.seq} and ${place.seq}`;
      const about = (happening: Happening) => concerns(id)(happening) || concerns(before.id)(happening);
      violations.push(violation("sender-order", text, happenings, about));
    }
    last.set(key, { id, seq: place.seq });
  }
  return violations;
}
