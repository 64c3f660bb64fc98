import type { ConnectionEntry } from "sentseen/ports";
import { registryScripts } from "../link/lua-files.js";
import type { Servers } from "../link/servers.js";
import type { RegistryKeys } from "./registry-keys.js";
import { endOfEntry, entryFrom, storedEntry } from "./stored-entry.js";

/** A user's entries are kept for so long without being refreshed. */
const KEPT_MS = 15 * 60_000;

/** Users of one script: it runs for about a millisecond. */
const AT_ONCE = 250;

/** One life of a node. */
export interface NodeLife {
  readonly server_id: string;
  readonly life: string;
}

export interface Registered {
  readonly entry: ConnectionEntry;
  readonly replaced: ConnectionEntry | null;
  /** Whether the bucket knows the node: where not, the entry isn't answered until the node has beaten. */
  readonly known: boolean;
}

/** A connection before it has its generation. */
export type Connection = Omit<ConnectionEntry, "server_id" | "generation">;

/** The scripts on users' entries, with what they take and answer. */
export class Entries {
  readonly #servers: Servers;
  readonly #keys: RegistryKeys;
  readonly #vanishMicros: number;

  constructor(servers: Servers, keys: RegistryKeys, vanishMs: number) {
    this.#servers = servers;
    this.#keys = keys;
    this.#vanishMicros = vanishMs * 1_000;
  }

  async register({ server_id, life }: NodeLife, { user, device_id, connection_id }: Connection): Promise<Registered> {
    const bucket = this.#keys.bucketOf(user);
    const keys = [this.#keys.nodes(bucket), this.#keys.generations(bucket), this.#keys.user(user)];
    const args = [server_id, life, connection_id, device_id, this.#vanishMicros, KEPT_MS];
    const [generation, replaced, known] = (await registryScripts.register.run(this.#servers, keys, args)) as [
      Buffer,
      Buffer,
      number,
    ];
    return {
      entry: { user, device_id, server_id, connection_id, generation: Number(generation) },
      replaced: replaced.length === 0 ? null : entryFrom(user, device_id, replaced.toString()),
      known: known === 1,
    };
  }

  async unregister({ user, device_id, generation }: ConnectionEntry): Promise<void> {
    await registryScripts.unregister.run(this.#servers, [this.#keys.user(user)], [device_id, `${generation}:`, ""]);
  }

  /** Removes what a registration may have entered whose answer didn't come. */
  async withdraw({ server_id, life }: NodeLife, { user, device_id, connection_id }: Connection): Promise<void> {
    const end = endOfEntry({ connection_id, server_id }, life);
    await registryScripts.unregister.run(this.#servers, [this.#keys.user(user)], [device_id, "", end]);
  }

  /** Enters entries again, with their generations. */
  async refresh({ life }: NodeLife, entries: readonly ConnectionEntry[]): Promise<void> {
    const byBucket = new Map<number, ConnectionEntry[]>();
    for (const entry of entries) listIn(byBucket, this.#keys.bucketOf(entry.user)).push(entry);
    const runs = [...byBucket].flatMap(([bucket, all]) =>
      slices(all).map((some) => {
        const users = some.map((entry) => this.#keys.user(entry.user));
        const keys = [this.#keys.nodes(bucket), this.#keys.generations(bucket), ...users];
        const args = some.flatMap((entry) => [entry.device_id, storedEntry(entry, life)]);
        return registryScripts.refresh.run(this.#servers, keys, [KEPT_MS, ...args]);
      }),
    );
    await Promise.all(runs);
  }

  /** Of each user the live entries and the last beat of their nodes, in microseconds since 1970. */
  async lookup(users: readonly string[]): Promise<{ entry: ConnectionEntry; beat: number }[][]> {
    const found = users.map((): { entry: ConnectionEntry; beat: number }[] => []);
    const byBucket = new Map<number, number[]>();
    for (const [index, user] of users.entries()) listIn(byBucket, this.#keys.bucketOf(user)).push(index);
    const runs = [...byBucket].flatMap(([bucket, all]) =>
      slices(all).map(async (indexes) => {
        const names = indexes.map((index) => users[index] as string);
        const keys = [this.#keys.nodes(bucket), ...names.map((user) => this.#keys.user(user))];
        const answer = await registryScripts.lookup.run(this.#servers, keys, [this.#vanishMicros]);
        for (const [at, flat] of (answer as Buffer[][]).entries()) {
          for (let i = 0; i + 2 < flat.length; i += 3) {
            const entry = entryFrom(names[at] as string, String(flat[i]), String(flat[i + 1]));
            found[indexes[at] as number]?.push({ entry, beat: Number(flat[i + 2]) });
          }
        }
      }),
    );
    await Promise.all(runs);
    return found;
  }
}

function listIn<Key, Value>(lists: Map<Key, Value[]>, key: Key): Value[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

function slices<Value>(values: readonly Value[]): Value[][] {
  const parts: Value[][] = [];
  for (let at = 0; at < values.length; at += AT_ONCE) parts.push(values.slice(at, at + AT_ONCE));
  return parts;
}
