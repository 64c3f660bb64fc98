/** One statement with its parameters. 64-bit numbers are given as text, which the driver takes however it is set up. */
export interface Statement {
  readonly query: string;
  readonly params: readonly unknown[];
}

/** What the adapter says of each request to the driver. */
export interface RequestOptions {
  readonly prepare: boolean;
  /** The number of a consistency level in the protocol. */
  readonly consistency: number;
  readonly isIdempotent: boolean;
  /** Milliseconds after which one attempt is given up. */
  readonly readTimeout: number;
  /** Whether a batch is logged. */
  readonly logged?: boolean;
  /** Rows of a page. */
  readonly fetchSize?: number;
  readonly pageState?: string;
}

export interface ResultPage {
  // biome-ignore lint/suspicious/noExplicitAny: the driver's rows are of whatever the query selects
  readonly rows: readonly any[];
  readonly pageState?: string | null;
}

/** The little that is used of a `Client` of cassandra-driver; a client of one's own will do that has it. */
export interface CassandraClient {
  /** With the `checkSchemaAgreement` that the driver's types leave out. */
  readonly metadata: object;
  /** Idempotent. */
  connect(): Promise<unknown>;
  execute(query: string, params: unknown[], options: RequestOptions): Promise<ResultPage>;
  batch(queries: { query: string; params: unknown[] }[], options: RequestOptions): Promise<unknown>;
  shutdown(): Promise<unknown>;
}
