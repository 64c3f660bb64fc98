/** How far an adapter reaches: one process, all processes of one machine, or many machines. */
export type Scope = "process" | "machine" | "cluster";

/** The version of the ports' contract that this core understands. */
export const CONTRACT = 1;

/** What every adapter says of itself. The server refuses a contract or a scope that doesn't fit, naming the part. */
export interface Adapter {
  readonly contract: typeof CONTRACT;
  readonly scope: Scope;
  /** Opens what is behind the adapter. Called once, before anything else. */
  open(): Promise<void>;
  /** Releases everything. Idempotent. What was accepted before is as durable as the adapter promises. */
  close(): Promise<void>;
}
