import { ChatError } from "../errors.js";
import { pause } from "../log/retry.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { ConnectionEntry, ConnectionRegistry } from "../ports/connection-registry.js";

/** Before the registry is looked into again for what has ended, in milliseconds: at first, and at most. */
const AGAIN_MS = { first: 5, most: 500 };
const GIVE_UP_MS = 10_000;

export interface EndEverywhereOptions {
  readonly registry: Pick<ConnectionRegistry, "lookup">;
  /** Tells an entry's node to end its connection, at most once. */
  readonly tell: (entry: ConnectionEntry) => void;
}

/**
 * Ends the connections that a user, or one device, has now, on whatever nodes. Resolves with how many there were when
 * the registry knows none of them any more; rejects with `timeout` when it still does after ten seconds, as of a node
 * that is stopped.
 */
export async function endEverywhere(
  { registry, tell }: EndEverywhereOptions,
  user: UserId,
  device: Uuid | undefined,
): Promise<number> {
  const lookUp = async (): Promise<ConnectionEntry[]> =>
    (await registry.lookup([user])).flat().filter((entry) => device === undefined || entry.device_id === device);
  const meant = await lookUp();
  const until = performance.now() + GIVE_UP_MS;
  let left = meant;
  for (let wait = AGAIN_MS.first; left.length > 0; wait = Math.min(wait * 2, AGAIN_MS.most)) {
    if (performance.now() > until) throw new ChatError("timeout", `${left.length} connections don't end.`);
    for (const entry of left) tell(entry);
    await pause(wait);
    const there = new Set((await lookUp()).map(keyOf));
    left = left.filter((entry) => there.has(keyOf(entry)));
  }
  return meant.length;
}

function keyOf({ device_id, generation }: ConnectionEntry): string {
  return `${generation} ${device_id}`;
}
