import type { ConnectionEntry } from "sentseen/ports";

/** An entry's form in Redis: generation, connection, life of the node, and node. */
export function storedEntry(entry: ConnectionEntry, life: string): string {
  return `${entry.generation}${endOfEntry(entry, life)}`;
}

/** All of it but the generation. */
export function endOfEntry(
  { connection_id, server_id }: Pick<ConnectionEntry, "connection_id" | "server_id">,
  life: string,
): string {
  return `:${connection_id}:${life}:${server_id}`;
}

export function entryFrom(user: string, device_id: string, stored: string): ConnectionEntry {
  const [generation, connection_id, life = ""] = stored.split(":", 3);
  const server_id = stored.slice(`${generation}:${connection_id}:${life}:`.length);
  return { user, device_id, server_id, connection_id: Number(connection_id), generation: Number(generation) };
}
