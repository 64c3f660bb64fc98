/**
 * `sentseen/testing`: what the author of an adapter needs to know that it keeps its contract. The suites import no
 * runner: they declare their tests with whatever `test(name, body)` they are given.
 */
export { type Chance, chance } from "./chance.js";
export type { Clause, ContractReport, DeclareTest, Fixture, Lacks } from "./contract.js";
export { type FakeClock, fakeClock } from "./fake-clock.js";
export { type QueueContractOptions, queueContract } from "./queue/contract.js";
export type { QueueCapability, QueueFixture } from "./queue/subject.js";
export { type RegistryContractOptions, registryContract } from "./registry/contract.js";
export type { RegistryCapability, RegistryFixture } from "./registry/subject.js";
export { type StorageContractOptions, storageContract } from "./storage/contract.js";
export type { StorageCapability, StorageFixture } from "./storage/subject.js";
export { until } from "./until.js";
