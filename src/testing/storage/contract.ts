import { type ContractReport, type DeclareTest, declareContract, type Lacks } from "../contract.js";
import { batchClauses } from "./batches.js";
import { historyClauses } from "./history.js";
import { mailboxClauses } from "./mailbox.js";
import { peopleClauses } from "./people.js";
import { stateClauses } from "./states.js";
import type { StorageCapability, StorageFixture } from "./subject.js";
import { sweepClauses } from "./sweep.js";

export interface StorageContractOptions {
  /** What the adapter can't do, with the reason: its tests are skipped and named. */
  readonly lacks?: Lacks<StorageCapability>;
}

/**
 * Declares the tests that every `Storage` must pass: each sentence of the port's comments.
 *
 * @param make a storage, opened, for each test. Tests use ids of their own, so one that holds other rows will do.
 */
export function storageContract(
  test: DeclareTest,
  make: () => Promise<StorageFixture>,
  options: StorageContractOptions = {},
): ContractReport {
  const clauses = [
    ...historyClauses,
    ...mailboxClauses,
    ...stateClauses,
    ...peopleClauses,
    ...sweepClauses,
    ...batchClauses,
  ];
  return declareContract(test, { clauses, make, lacks: options.lacks ?? {} });
}
