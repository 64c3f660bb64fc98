import { type ContractReport, type DeclareTest, declareContract, type Lacks } from "../contract.js";
import { DEFAULT_PATIENCE_MS } from "../until.js";
import { deliveryClauses } from "./delivery.js";
import { groupClauses } from "./groups.js";
import { lifeClauses } from "./lives.js";
import { orderClauses } from "./order.js";
import type { QueueCapability, QueueFixture } from "./subject.js";

export interface QueueContractOptions {
  /** What the adapter can't do, with the reason: its tests are skipped and named. */
  readonly lacks?: Lacks<QueueCapability>;
  /** How long a test waits for what must come, in milliseconds; default 5,000. */
  readonly patienceMs?: number;
}

/**
 * Declares the tests that every `Queue` must pass: each sentence of the port's comments.
 *
 * @param make a queue, opened, for each test. Tests use topics of their own, so one that holds others will do.
 */
export function queueContract(
  test: DeclareTest,
  make: () => Promise<QueueFixture>,
  { lacks = {}, patienceMs = DEFAULT_PATIENCE_MS }: QueueContractOptions = {},
): ContractReport {
  return declareContract(test, {
    clauses: [...orderClauses, ...deliveryClauses, ...groupClauses, ...lifeClauses],
    make: async () => ({ ...(await make()), patienceMs }),
    lacks,
  });
}
