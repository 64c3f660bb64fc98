import type { Client, types } from "cassandra-driver";
import type { CassandraClient, RequestOptions, ResultPage } from "../src/index.js";

export interface TracedRead {
  readonly query: string;
  readonly params: readonly unknown[];
  /** What the servers noted of it. */
  readonly trace: () => Promise<string[]>;
}

/** A client that has every read traced by the cluster. */
export class TracingClient implements CassandraClient {
  reads: TracedRead[] = [];

  constructor(private readonly client: Client) {}

  get metadata(): object {
    return this.client.metadata;
  }

  connect(): Promise<void> {
    return this.client.connect();
  }

  async execute(query: string, params: unknown[], options: RequestOptions): Promise<ResultPage> {
    const traceQuery = query.startsWith("SELECT");
    const result = await this.client.execute(query, params, { ...options, traceQuery });
    const { traceId } = result.info;
    if (traceQuery) this.reads.push({ query, params, trace: () => this.#events(traceId) });
    return result;
  }

  batch(queries: { query: string; params: unknown[] }[], options: RequestOptions): Promise<unknown> {
    return this.client.batch(queries, options);
  }

  shutdown(): Promise<void> {
    return this.client.shutdown();
  }

  async #events(traceId: types.Uuid): Promise<string[]> {
    const trace = await this.client.metadata.getTrace(traceId);
    return trace.events.map(({ activity }) => activity ?? "");
  }
}

/** How many rows and tombstones the servers met for a read. */
export async function met(read: TracedRead): Promise<{ readonly rows: number; readonly tombstones: number }> {
  const events = await read.trace();
  let [rows, tombstones] = [0, 0];
  let counted = false;
  for (const event of events) {
    const [, live, dead] = /^Read (\d+) live rows and (\d+) tombstone cells$/.exec(event) ?? [];
    if (live === undefined) continue;
    counted = true;
    rows += Number(live);
    tombstones += Number(dead);
  }
  if (!counted) throw new Error(`The trace says nothing of what was read:\n${events.join("\n")}`);
  return { rows, tombstones };
}
