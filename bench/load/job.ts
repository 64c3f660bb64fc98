import type { WindowUse } from "./window.js";

export type WireName = "raw" | "socket.io" | "sentseen";

interface Common {
  readonly wire: WireName;
  readonly port: number;
  readonly server_pid: number;
  readonly warmup_seconds: number;
  readonly seconds: number;
}

/** Senders and receivers in pairs. Closed loop with `in_flight` messages a pair, or open loop at `offered` a second. */
export interface RelayJob extends Common {
  readonly kind: "relay";
  readonly pairs: number;
  readonly in_flight: number | null;
  readonly offered: number | null;
  /** Where receivers connect, if not where senders do. */
  readonly receiver_port?: number;
  /** More processes whose CPU is wanted. */
  readonly pids?: readonly number[];
}

/** Groups of which one member sends and all others receive. */
export interface BroadcastJob extends Common {
  readonly kind: "broadcast";
  readonly groups: number;
  readonly members: number;
  readonly in_flight: number;
}

/** Connections that are made and then held until the generator is told to end. */
export interface IdleJob extends Common {
  readonly kind: "idle";
  readonly connections: number;
}

export type Job = RelayJob | BroadcastJob | IdleJob;

/** What a job came to, told over the process's channel. */
export interface LoadResult {
  /** Messages (broadcast: deliveries) within the window. */
  readonly messages: number;
  /** Milliseconds from sending to the ack, and to the delivery. */
  readonly ack_p50_ms: number | null;
  readonly ack_p99_ms: number | null;
  readonly deliver_p50_ms: number | null;
  readonly deliver_p99_ms: number | null;
  readonly use: WindowUse;
}
