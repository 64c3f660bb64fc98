import { types } from "cassandra-driver";
import { ChatError } from "sentseen/ports";
import type { Batches } from "./batches.js";
import type { CassandraClient, RequestOptions, ResultPage, Statement } from "./client.js";
import { unavailable } from "./failure.js";
import { Slots } from "./slots.js";

export interface RequestsOptions {
  readonly client: CassandraClient;
  /** Milliseconds that a call of the port may take. */
  readonly deadlineMs: number;
  /** Milliseconds that one attempt at one request may take. */
  readonly attemptMs: number;
  readonly maxInFlight: number;
  readonly maxWaiting: number;
  readonly pageSize: number;
}

/** Requests to the cluster, bounded in number and time. */
export class Requests {
  readonly slots: Slots;
  readonly #calls = new Set<Promise<unknown>>();

  constructor(readonly options: RequestsOptions) {
    this.slots = new Slots(options.maxInFlight, options.maxWaiting);
  }

  /**
   * Runs what one call of the port takes. Whatever goes wrong rejects with `store_unavailable`, and so does what takes
   * longer than the deadline; no request is begun for it afterwards.
   */
  async call<T>(what: string, body: (call: Call) => Promise<T>): Promise<T> {
    const call = new Call(this);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const text = `${what} did not come to an end within ${this.options.deadlineMs} ms.`;
        reject(new ChatError("store_unavailable", text, { limit: this.options.deadlineMs }));
      }, this.options.deadlineMs);
    });
    const running = Promise.race([body(call), late]);
    this.#calls.add(running);
    try {
      return await running;
    } catch (cause) {
      throw unavailable(what, cause);
    } finally {
      clearTimeout(timer);
      call.end();
      this.#calls.delete(running);
    }
  }

  /** Resolves when no call is under way any more: within the deadline, as each has its own. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }
}

/** The requests of one call of the port. */
export class Call {
  #over = false;

  constructor(private readonly requests: Requests) {}

  /** No request is begun any more. */
  end(): void {
    this.#over = true;
  }

  /** Executes one statement. Of a read it answers the first page. */
  execute({ query, params }: Statement, page: Partial<RequestOptions> = {}): Promise<ResultPage> {
    return this.#inSlot(() => this.#client.execute(query, [...params], { ...this.#request, ...page }));
  }

  /** The rows of a read, page by page, as many as are taken. */
  async *rows(statement: Statement): AsyncGenerator<ResultPage["rows"][number]> {
    const fetchSize = this.requests.options.pageSize;
    let pageState: string | null | undefined;
    do {
      const page = await this.execute(statement, pageState ? { fetchSize, pageState } : { fetchSize });
      yield* page.rows;
      pageState = page.pageState;
    } while (pageState);
  }

  /** All rows of a read. */
  async all(statement: Statement): Promise<ResultPage["rows"][number][]> {
    const rows: ResultPage["rows"][number][] = [];
    for await (const row of this.rows(statement)) rows.push(row);
    return rows;
  }

  /** Lands batches: partitions side by side, the batches of one partition one after another. */
  land(batches: Batches): Promise<void> {
    return this.each(batches.list(), async (partition) => {
      for (const statements of partition) await this.#batch(statements);
    });
  }

  /** Does something for each item, for no more at once than there are slots. Rejects at the first failure. */
  async each<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
    let next = 0;
    let failed = false;
    const worker = async (): Promise<void> => {
      while (next < items.length && !failed) {
        const index = next++;
        try {
          await work(items[index] as T, index);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    };
    const workers = Math.min(items.length, this.requests.options.maxInFlight);
    await Promise.all(Array.from({ length: workers }, worker));
  }

  async #batch(statements: readonly Statement[]): Promise<void> {
    const [only] = statements;
    if (only !== undefined && statements.length === 1) {
      await this.execute(only);
      return;
    }
    const queries = statements.map(({ query, params }) => ({ query, params: [...params] }));
    await this.#inSlot(() => this.#client.batch(queries, { ...this.#request, logged: false }));
  }

  async #inSlot<T>(request: () => Promise<T>): Promise<T> {
    this.#mustNotBeOver();
    const { slots } = this.requests;
    await slots.take();
    try {
      this.#mustNotBeOver();
      return await request();
    } finally {
      slots.release();
    }
  }

  #mustNotBeOver(): void {
    if (this.#over) throw new ChatError("store_unavailable", "The call is over.");
  }

  get #client(): CassandraClient {
    return this.requests.options.client;
  }

  get #request(): RequestOptions {
    return {
      prepare: true,
      consistency: types.consistencies.localQuorum,
      // Every write may be repeated: each has its own time, or can only be made in one way.
      isIdempotent: true,
      readTimeout: this.requests.options.attemptMs,
    };
  }
}
