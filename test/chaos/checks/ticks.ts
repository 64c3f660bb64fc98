import type { SeenEntry } from "../history.js";
import type { Log } from "./log.js";
import { Membership } from "./membership.js";
import { concerns, type Violation, violation } from "./violation.js";

/** A message that its readers have read, while its sender's device shows less. */
interface Untold {
  readonly device: string;
  readonly entry: SeenEntry;
}

/**
 * Own messages that a device's store holds as something less than read, though every other member that may see them
 * has read so far. A member that joined later doesn't count, and who isn't a member any more is told nothing.
 */
export function untold({ conversations, devices, happenings }: Log): Untold[] {
  const read = new Map<string, number>();
  for (const happening of happenings) {
    if (happening.type !== "read") continue;
    const key = `${happening.conversation} ${happening.user}`;
    read.set(key, Math.max(happening.seq, read.get(key) ?? 0));
  }
  const memberships = new Map([...conversations].map(([id, places]) => [id, new Membership(places)]));

  const isRead = ({ conversation, seq, sender }: SeenEntry): boolean => {
    const membership = memberships.get(conversation);
    if (membership === undefined || membership.staysFrom(sender) === null) return false;
    const readers = membership.users().filter((user) => {
      const from = membership.staysFrom(user);
      return user !== sender && from !== null && from <= seq;
    });
    return readers.length > 0 && readers.every((user) => (read.get(`${conversation} ${user}`) ?? 0) >= seq);
  };

  const found: Untold[] = [];
  for (const happening of happenings) {
    if (happening.type !== "kept") continue;
    const { device } = happening;
    const user = devices.get(device)?.user;
    for (const entry of happening.entries) {
      const own = entry.sender === user && entry.status !== undefined && entry.status !== "read";
      if (own && isRead(entry)) found.push({ device, entry });
    }
  }
  return found;
}

/** Whoever wrote a message is told in the end that it was read. */
export function checkTicks(log: Log): Violation[] {
  return untold(log).map(({ device, entry: { conversation, id, seq, status } }) => {
    const text = `${device} shows ${id} as ${status}, though seq ${seq} of ${conversation} was read by all`;
    return violation("read-never-told", text, log.happenings, (happening) => {
      if (happening.type === "read" || happening.type === "watermark") return happening.conversation === conversation;
      return concerns(id)(happening);
    });
  });
}
