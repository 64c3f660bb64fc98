import { type ContractReport, type DeclareTest, declareContract, type Lacks } from "../contract.js";
import { DEFAULT_PATIENCE_MS } from "../until.js";
import { carriageClauses } from "./carriage.js";
import { entryClauses } from "./entries.js";
import type { RegistryCapability, RegistryFixture } from "./subject.js";

export interface RegistryContractOptions {
  /** What the adapter can't do, with the reason: its tests are skipped and named. */
  readonly lacks?: Lacks<RegistryCapability>;
  /** How long a test waits for what must come, in milliseconds; default 5,000. */
  readonly patienceMs?: number;
}

/**
 * Declares the tests that every `ConnectionRegistry` must pass: each sentence of the port's comments.
 *
 * @param make a registry, opened, for each test. Tests use names of their own, so one that holds others will do.
 */
export function registryContract(
  test: DeclareTest,
  make: () => Promise<RegistryFixture>,
  { lacks = {}, patienceMs = DEFAULT_PATIENCE_MS }: RegistryContractOptions = {},
): ContractReport {
  return declareContract(test, {
    clauses: [...entryClauses, ...carriageClauses],
    make: async () => ({ ...(await make()), patienceMs }),
    lacks,
  });
}
