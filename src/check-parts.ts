import { ChatError } from "./errors.js";
import type { ConnectionRegistry } from "./ports/connection-registry.js";
import type { Queue } from "./ports/queue.js";
import type { RateLimiter } from "./ports/rate-limiter.js";
import { type Adapter, CONTRACT } from "./ports/scope.js";
import type { Storage } from "./ports/storage.js";

/** What a server is put together from. */
interface Parts {
  readonly storage: Storage;
  readonly queue: Queue;
  readonly registry: ConnectionRegistry;
  readonly rateLimiter?: RateLimiter | undefined;
  readonly roles: readonly string[];
  /** The roles that there are. */
  readonly all: readonly string[];
}

const REACH = { process: 0, machine: 1, cluster: 2 } as const;

/** What a part must be able to do, so that one put in another's place is noticed before it is needed. */
const METHODS = {
  storage: [
    ...["open", "close", "write", "checkpoint", "conversations", "deviceStates", "mailbox", "history"],
    ...["conversationsOf", "receipts", "devices", "sweep"],
  ],
  queue: ["open", "close", "partitions", "publish", "consume", "head"],
  registry: ["open", "close", "join", "lookup"],
  rateLimiter: ["open", "close", "take"],
} as const;

/**
 * Refuses parts that can't be safe together: with `incompatible`, naming the part to change, or with `config` where it
 * is the roles that don't fit. [R1, R2]
 */
export function checkParts(parts: Parts): void {
  for (const name of ["storage", "queue", "registry", "rateLimiter"] as const) {
    const part = parts[name];
    if (part !== undefined) checkPart(name, part);
  }
  const { queue } = parts;
  for (const says of ["durable", "embedded"] as const) {
    if (typeof queue[says] !== "boolean") throw unfit("queue", `queue doesn't say whether it is ${says}.`);
  }
  checkReach(parts);
  if (queue.embedded && !parts.all.every((role) => parts.roles.includes(role))) {
    throw new ChatError("config", "With a queue inside the process it has all roles.", { field: "roles" });
  }
}

function checkPart(name: keyof typeof METHODS, part: Adapter): void {
  const { contract, scope } = part;
  if (contract !== CONTRACT) throw unfit(name, `${name} follows contract ${contract}; this server knows ${CONTRACT}.`);
  if (!Object.hasOwn(REACH, scope)) throw unfit(name, `${name} has no known scope: ${String(scope)}.`);
  for (const method of METHODS[name]) {
    if (typeof Reflect.get(part, method) !== "function") throw unfit(name, `${name} has no method ${method}.`);
  }
}

/** Whoever shares the queue must share everything else that this process tells others by, or keeps for them. */
function checkReach({ storage, queue, registry, rateLimiter }: Parts): void {
  if (registry.scope === "cluster" && queue.scope !== "cluster") {
    throw unfit("queue", `A cluster's registry wants a cluster's queue, not one of a ${queue.scope}.`);
  }
  if (!queue.embedded) {
    for (const [name, part] of Object.entries({ storage, registry })) {
      if (REACH[part.scope] >= REACH[queue.scope]) continue;
      throw unfit(
        name,
        `Nodes that share a ${queue.scope}'s queue want a ${queue.scope}'s ${name}, not a ${part.scope}'s.`,
      );
    }
    if (rateLimiter !== undefined && REACH[rateLimiter.scope] < REACH[queue.scope]) {
      throw unfit("rateLimiter", `A ${queue.scope}'s gateways want a rateLimiter that they share.`);
    }
  }
  if (queue.scope !== "process" && storage.scope === "process") {
    const loses = queue.durable
      ? "A durable queue over storage that forgets would lose what was flushed."
      : "A queue that outlives the process, over storage that doesn't: what was acknowledged would be lost.";
    throw unfit("storage", loses);
  }
}

function unfit(field: string, text: string): ChatError {
  return new ChatError("incompatible", text, { field });
}
