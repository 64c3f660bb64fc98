import type { Happening, SeenEntry } from "../history.js";
import type { Log, Place } from "./log.js";
import { Membership } from "./membership.js";
import { concerns, standsAt, type Violation, violation } from "./violation.js";

/** An entry that a device is owed and hasn't got. */
export interface Missing {
  readonly device: string;
  readonly conversation: string;
  readonly place: Place;
  /** Where it is missing: it never came, or it came and the device's own store doesn't have it. */
  readonly where: "application" | "store";
}

/** Device and conversation → seqs. */
class Seqs {
  private readonly byKey = new Map<string, Set<number>>();

  of(device: string, conversation: string): Set<number> {
    const key = `${device} ${conversation}`;
    const seqs = this.byKey.get(key) ?? new Set();
    this.byKey.set(key, seqs);
    return seqs;
  }
}

/** Device → where it was last told that its mailbox lacks something. */
function lastGaps(happenings: readonly Happening[]): ReadonlyMap<string, number> {
  return new Map(happenings.flatMap((it, at): [string, number][] => (it.type === "gap" ? [[it.device, at]] : [])));
}

/** What devices have by the end. */
function holdings(happenings: readonly Happening[]) {
  const delivered = new Seqs();
  const kept = new Seqs();
  const acked = new Set<string>();
  /** Devices whose stores were looked into. */
  const opened = new Set<string>();
  for (const happening of happenings) {
    if (happening.type === "acked") acked.add(happening.id);
    if (happening.type === "delivered" || happening.type === "found") {
      delivered.of(happening.device, happening.entry.conversation).add(happening.entry.seq);
    }
    if (happening.type === "kept") {
      opened.add(happening.device);
      const seqs = kept.of(happening.device, happening.conversation);
      for (const { seq } of happening.entries) seqs.add(seq);
    }
  }
  return { delivered, kept, acked, opened };
}

/**
 * What devices are still owed: everything of their user's conversations that was sent after they enrolled. What a
 * device has sent itself it has once it is acknowledged. What a wipe took from its mailbox a device is told of and finds
 * in the conversation, from where its user's present stay there begins.
 */
export function missing(log: Log): Missing[] {
  const { commands, conversations, devices, happenings } = log;
  const { delivered, kept, acked, opened } = holdings(happenings);
  const gaps = lastGaps(happenings);
  const lacking: Missing[] = [];
  for (const [conversation, places] of conversations) {
    const membership = new Membership(places);
    for (const [device, { user, at }] of devices) {
      const findsFrom = membership.staysFrom(user) ?? Number.POSITIVE_INFINITY;
      const told = Math.max(at, gaps.get(device) ?? 0);
      const owedSince = (seq: number): number => (seq < findsFrom ? told : at);
      const came = delivered.of(device, conversation);
      const store = opened.has(device) ? kept.of(device, conversation) : null;
      for (const place of places) {
        const command = commands.get(place.id);
        if (command === undefined || membership.right(user, place.seq) !== "owed") continue;
        if (command.at < owedSince(place.seq)) continue;
        const own = command.submitted.device === device && acked.has(place.id);
        if (!own && !came.has(place.seq)) lacking.push({ device, conversation, place, where: "application" });
        else if (store?.has(place.seq) === false) lacking.push({ device, conversation, place, where: "store" });
      }
    }
  }
  return lacking;
}

/** Everybody got everything. */
export function checkLost(log: Log): Violation[] {
  return missing(log).map(({ device, conversation, place, where }) => {
    const user = log.devices.get(device)?.user;
    const text = `${device} of ${user} lacks seq ${place.seq} of ${conversation} (${place.id}) at its ${where}`;
    return violation("acked-but-lost", text, log.happenings, standsAt(conversation, place.seq));
  });
}

/** Each application got each entry once and in order, and each store holds them so. */
export function checkOnceInOrder({ happenings }: Log): Violation[] {
  const violations: Violation[] = [];
  const last = new Map<string, number>();
  const had = new Set<string>();

  function look(device: string, entry: SeenEntry, where: string): void {
    const about = (happening: Happening): boolean => concerns(entry.id)(happening) && ownOf(happening) === device;
    const key = `${where} ${device} ${entry.id}`;
    if (had.has(key)) {
      violations.push(
        violation("delivered-twice", `${device} got ${entry.id} twice at its ${where}`, happenings, about),
      );
      return;
    }
    had.add(key);
    const order = `${where} ${device} ${entry.conversation}`;
    const before = last.get(order) ?? 0;
    if (entry.seq <= before) {
      const text = `${device} got seq ${entry.seq} of ${entry.conversation} after seq ${before} at its ${where}`;
      violations.push(violation("delivered-out-of-order", text, happenings, about));
    }
    last.set(order, Math.max(before, entry.seq));
  }

  for (const happening of happenings) {
    if (happening.type === "delivered") look(happening.device, happening.entry, "application");
    if (happening.type === "kept") for (const entry of happening.entries) look(happening.device, entry, "store");
  }
  return violations;
}

function ownOf(happening: Happening): string | null {
  return "device" in happening ? happening.device : null;
}

/** Nobody got what isn't theirs, on the wire or at the application. */
export function checkStrangers({ conversations, happenings }: Log): Violation[] {
  const memberships = new Map([...conversations].map(([id, places]) => [id, new Membership(places)]));
  const violations: Violation[] = [];
  for (const happening of happenings) {
    if (!("entry" in happening)) continue;
    const { entry, user, device } = happening;
    if (memberships.get(entry.conversation)?.right(user, entry.seq) !== "forbidden") continue;
    const text = `${device} of ${user} got seq ${entry.seq} of ${entry.conversation}, where ${user} was no member`;
    violations.push(violation("leaked-to-stranger", text, happenings, concerns(entry.id)));
  }
  return violations;
}
