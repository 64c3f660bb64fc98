import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { ChatError } from "../errors.js";
import { turnAway } from "./turn-away.js";

/** The paths under which each HTTP server serves chat. */
const served = new WeakMap<Server, Set<string>>();

/**
 * Has upgrade requests for a path of an HTTP server taken, and leaves the others to its other listeners; where there
 * are none that could answer, with 404. Answers what undoes it. Throws `config` where the path is taken already.
 */
export function attachTo(
  server: Server,
  path: string,
  take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): () => void {
  const paths = served.get(server) ?? new Set();
  if (paths.has(path)) throw new ChatError("config", `${path} is served already.`, { field: "path" });
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const [at = "/"] = (request.url ?? "/").split("?", 1);
    if (at === path) take(request, socket, head);
    else if (!paths.has(at) && server.listenerCount("upgrade") === paths.size && isFirst(path, paths)) {
      turnAway(socket, "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    }
  };
  served.set(server, paths.add(path));
  server.on("upgrade", onUpgrade);
  return () => {
    paths.delete(path);
    server.off("upgrade", onUpgrade);
  };
}

/** One of them answers for all. */
function isFirst(path: string, paths: ReadonlySet<string>): boolean {
  const [first] = paths;
  return path === first;
}
