import type { ConnectionOptions } from "node:tls";
import { Client, policies } from "cassandra-driver";

/** How a cluster is reached. */
export interface Contact {
  /** Some of its nodes, as `host` or `host:port`. */
  readonly contactPoints: readonly string[];
  /** The data centre whose nodes are talked to. */
  readonly dataCenter: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly tls?: ConnectionOptions;
}

/** Milliseconds after which a request that wasn't answered is sent to another node as well. */
const SPECULATIVE_MS = 500;
const DEFAULT_PORT = 9_042;

/**
 * A client that sends each request to a node that has its rows, avoids nodes that don't answer, sends again elsewhere
 * what takes long, and leaves the times of writes that have none of their own to the cluster's clocks.
 */
export function clientFor({ contactPoints, dataCenter, credentials, tls }: Contact): Client {
  return new Client({
    contactPoints: [...contactPoints],
    localDataCenter: dataCenter,
    // Nodes tell the others' addresses without a port.
    protocolOptions: { port: portOf(contactPoints[0]) },
    ...(credentials === undefined ? {} : { credentials }),
    ...(tls === undefined ? {} : { sslOptions: tls }),
    policies: {
      speculativeExecution: new policies.speculativeExecution.ConstantSpeculativeExecutionPolicy(SPECULATIVE_MS, 1),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(250, 30_000),
      timestampGeneration: null as unknown as policies.timestampGeneration.TimestampGenerator,
    },
    pooling: { heartBeatInterval: 10_000 },
    socketOptions: { connectTimeout: 5_000 },
  });
}

function portOf(contactPoint: string | undefined): number {
  const port = /^(?:[^:]+|\[.*\]):(\d+)$/.exec(contactPoint ?? "")?.[1];
  return port === undefined ? DEFAULT_PORT : Number(port);
}
