import { ChatError, type Storage } from "sentseen/ports";
import type { CassandraClient } from "./client.js";
import { type Contact, clientFor } from "./connection.js";
import { unavailable } from "./failure.js";
import { Requests } from "./requests.js";
import { migrate } from "./schema.js";
import { Statements } from "./statements.js";
import { CassandraStorage } from "./storage.js";

/** A client of one's own, which is not shut down with the storage. */
export interface OwnClient {
  /** A `Client` of cassandra-driver. What it does about token awareness, retries and data centres counts. */
  readonly client: CassandraClient;
  /** Its data centre, for a keyspace that is yet to be made. */
  readonly dataCenter?: string;
}

export interface CassandraSettings {
  /** Where the tables are; made if it isn't there. Default `sentseen`. */
  readonly keyspace?: string;
  /** Replicas in each data centre, for a keyspace that is yet to be made; default three in `dataCenter`. */
  readonly replication?: Readonly<Record<string, number>>;
  /** Milliseconds after which a call that hasn't ended rejects with `store_unavailable`; default 10,000. */
  readonly deadlineMs?: number;
  /** Milliseconds that one attempt at one request may take before another node is asked; default 3,000. */
  readonly attemptMs?: number;
  /** Requests that are under way at once, at most; default 256. */
  readonly maxInFlight?: number;
  /** Requests that wait for that; beyond, calls reject with `store_unavailable`. Default 10,000. */
  readonly maxWaiting?: number;
  /** Rows that the cluster answers at a time; default 1,000. */
  readonly pageSize?: number;
  /**
   * Milliseconds for which the last commands of a device are remembered after the last of them; default 90 days. Must
   * be longer than a device may be away.
   */
  readonly deviceStateMs?: number;
  /** The time in milliseconds since 1970, from which rows get the time they live; default the system's clock. */
  readonly now?: () => number;
}

export type CassandraOptions = (Contact | OwnClient) & CassandraSettings;

export interface Cassandra {
  readonly storage: Storage;
}

const DEFAULTS = {
  deadlineMs: 10_000,
  attemptMs: 3_000,
  maxInFlight: 256,
  maxWaiting: 10_000,
  pageSize: 1_000,
  deviceStateMs: 90 * 86_400_000,
};

const REPLICAS = 3;

/**
 * Storage on Apache Cassandra 5 or ScyllaDB. Reads and writes with LOCAL_QUORUM and without lightweight transactions;
 * every write may be repeated, and may land late.
 *
 * Throws `config` naming the option at fault. Opening rejects with `store_unavailable` where the cluster can't be
 * reached, with `incompatible` where a newer program has changed the tables, and with `config` where the keyspace is
 * missing and nothing says how to make it.
 */
export function cassandra(options: CassandraOptions): Cassandra {
  const settings = { ...DEFAULTS, keyspace: "sentseen", now: Date.now, ...defined(options) };
  const { keyspace, now, deviceStateMs, ...limits } = settings;
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(keyspace)) {
    throw refused("keyspace", "must be 1 to 48 lower-case letters, digits and underscores, a letter first");
  }
  for (const field of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = settings[field];
    if (!Number.isSafeInteger(value) || value < 1) throw refused(field, "must be a whole number above 0");
  }
  const replication = replicationOf(options);
  const own = "client" in options;
  if (!own) mustBeContact(options);
  const client: CassandraClient = own ? options.client : clientFor(options);
  const storage = new CassandraStorage({
    requests: new Requests({ ...limits, client }),
    statements: new Statements(keyspace),
    now,
    deviceStateMs,
    connect: async () => {
      try {
        await client.connect();
        await migrate({ client, keyspace, replication });
      } catch (cause) {
        if (!own) await client.shutdown();
        throw unavailable("Opening the storage", cause);
      }
    },
    disconnect: async () => {
      if (!own) await client.shutdown();
    },
  });
  return { storage };
}

function replicationOf({ dataCenter, replication }: CassandraOptions): Readonly<Record<string, number>> | null {
  if (replication === undefined) return dataCenter === undefined ? null : { [dataCenter]: REPLICAS };
  const replicas = Object.values(replication);
  const bad = replicas.length === 0 || replicas.some((count) => !Number.isSafeInteger(count) || count < 1);
  if (bad) throw refused("replication", "must give each data centre a whole number of replicas above 0");
  return replication;
}

function mustBeContact({ contactPoints, dataCenter }: Contact): void {
  const named = Array.isArray(contactPoints) && contactPoints.every((point) => typeof point === "string" && point);
  if (!named || contactPoints.length === 0) throw refused("contactPoints", "must name nodes of the cluster");
  if (typeof dataCenter !== "string" || dataCenter === "") {
    throw refused("dataCenter", "must name the data centre whose nodes are talked to");
  }
}

function refused(field: string, why: string): ChatError {
  return new ChatError("config", `${field} ${why}.`, { field });
}

/** Options without those that are given as undefined, which stand for the default. */
function defined(options: CassandraSettings): CassandraSettings {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
