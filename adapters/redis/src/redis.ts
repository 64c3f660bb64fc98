import { ChatError, type ConnectionRegistry, type Queue, type RateLimiter } from "sentseen/ports";
import type { Address } from "./client/connection.js";
import { dialWith, type RedisClient } from "./client/dial-with.js";
import { RedisRateLimiter } from "./limits/rate-limiter.js";
import { Servers } from "./link/servers.js";
import { RedisQueue } from "./queue/queue.js";
import { RedisRegistry } from "./registry/registry.js";

export interface RedisOptions {
  /**
   * A client of `ioredis` or of `redis`, for one server or a cluster. It is only looked at: connections are made after
   * its example, and it is never closed.
   */
  readonly client: RedisClient;
  /** What the names of all keys and channels begin with; default "sentseen". The same for all nodes. */
  readonly prefix?: string;
  /** Milliseconds after which a command that wasn't answered rejects with `store_unavailable`; default 5,000. */
  readonly deadlineMs?: number;
  /** Milliseconds without a sign of life after which a node has vanished; at most 30,000, default 20,000. */
  readonly vanishMs?: number;
  /** How often it is tried whether messages between nodes arrive, in milliseconds; default 2,000. */
  readonly probeMs?: number;
  /** Partitions of every topic; default 16. The same for all nodes, and for good. */
  readonly partitions?: number;
  /**
   * Milliseconds that a consumer may keep a partition without Redis confirming it; default 8,000. So long it takes to
   * replace one that died, and to begin where Redis has nothing on record.
   */
  readonly leaseMs?: number;
  /** Bytes that a partition's log may take in Redis; beyond, `publish` rejects. Default 256 MiB. */
  readonly maxBytes?: number;
  /** Bytes that may wait to be published; beyond, `publish` rejects. Default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /**
   * What becomes of users' commands while Redis can't count them: "pass" (default) counts on each gateway alone, "refuse"
   * refuses them with `rate_limited`.
   */
  readonly limitsAway?: "pass" | "refuse";
  /** Where a cluster's server is reached that announces this address; by default there. */
  readonly addressFor?: (announced: Address) => Address;
}

export interface Redis {
  readonly registry: ConnectionRegistry;
  readonly queue: Queue;
  readonly rateLimiter: RateLimiter;
}

/** What the port says: entries of a node that stopped beating aren't answered after that. */
const MOST_VANISH_MS = 30_000;

const MOST_PARTITIONS = 1_024;

/**
 * The connection registry, the queue and the rate limiter on Redis 7 or later, or on Redis Cluster. Each has
 * connections of its own.
 *
 * Opening rejects with `store_unavailable` where Redis can't be reached, and with `config` where it is too old.
 */
export function redis(options: RedisOptions): Redis {
  const { prefix = "sentseen", deadlineMs = 5_000, vanishMs = 20_000, probeMs = 2_000 } = options;
  const dial = dialWith(options.client);
  if (!/^[^{}]+$/.test(prefix)) {
    throw new ChatError("config", "prefix must be some text without braces.", { field: "prefix" });
  }
  const {
    partitions = 16,
    leaseMs = 8_000,
    maxBytes = 256 * 1024 * 1024,
    maxWaitingBytes = 64 * 1024 * 1024,
  } = options;
  if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > MOST_PARTITIONS) {
    throw new ChatError("config", `partitions must be a whole number from 1 to ${MOST_PARTITIONS}.`, {
      field: "partitions",
      limit: MOST_PARTITIONS,
    });
  }
  const { limitsAway = "pass" } = options;
  if (limitsAway !== "pass" && limitsAway !== "refuse") {
    throw new ChatError("config", 'limitsAway must be "pass" or "refuse".', { field: "limitsAway" });
  }
  const positive = { deadlineMs, vanishMs, probeMs, leaseMs, maxBytes, maxWaitingBytes };
  for (const [field, value] of Object.entries(positive)) {
    if (!(value > 0)) throw new ChatError("config", `${field} must be a number above 0.`, { field });
  }
  if (vanishMs > MOST_VANISH_MS) {
    throw new ChatError("config", `vanishMs must be at most ${MOST_VANISH_MS}.`, {
      field: "vanishMs",
      limit: MOST_VANISH_MS,
    });
  }
  const addressFor = options.addressFor ?? ((announced) => announced);
  const servers = () => new Servers({ dial, deadlineMs, addressFor });
  return {
    registry: new RedisRegistry({ servers: servers(), prefix, vanishMs, probeMs }),
    queue: new RedisQueue({
      ...{ servers: servers(), prefix, probeMs },
      ...{ partitions, leaseMs, maxBytes, maxWaitingBytes },
    }),
    rateLimiter: new RedisRateLimiter({ servers: servers(), prefix, whenAway: limitsAway }),
  };
}
