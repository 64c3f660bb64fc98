import type { Job } from "./load/job.js";
import { IDLE_WS, RAW_WS, SENTSEEN, SOCKET_IO, type Subject, WS_FRAMED, WS_SEND } from "./subjects.js";

export const BENCHES = ["relay", "broadcast", "idle"] as const;
export type BenchName = (typeof BENCHES)[number];

/** What is put on every subject of a bench, in the terms of a row. */
export interface Mode {
  readonly label: string;
  readonly pairs: number | null;
  readonly in_flight: number | null;
  readonly offered: number | null;
  /** The job but for where the server is and how long it takes. */
  readonly job: OpenJob<Job>;
}

type OpenJob<J> = J extends Job ? Omit<J, "wire" | "port" | "server_pid" | "warmup_seconds" | "seconds"> : never;

export interface Bench {
  readonly name: BenchName;
  readonly modes: readonly Mode[];
  /** The first one is what the others' ratios refer to. */
  readonly subjects: readonly Subject[];
}

function relay(pairs: number, in_flight: number | null, offered: number | null): Mode {
  const label =
    offered === null ? `${pairs} pairs × ${in_flight} in flight` : `${pairs} pairs, open loop at ${offered}/s`;
  return { label, pairs, in_flight, offered, job: { kind: "relay", pairs, in_flight, offered } };
}

function broadcast(groups: number, members: number, in_flight: number): Mode {
  const label = `${groups} groups of ${members} × ${in_flight} in flight`;
  return { label, pairs: groups, in_flight, offered: null, job: { kind: "broadcast", groups, members, in_flight } };
}

function idle(connections: number): Mode {
  const label = `${connections} idle connections`;
  return { label, pairs: null, in_flight: null, offered: null, job: { kind: "idle", connections } };
}

export function benchOf(name: BenchName): Bench {
  if (name === "relay") {
    const modes = [relay(50, 32, null), relay(500, 1, null), relay(50, null, 5_000)];
    return { name, modes, subjects: [RAW_WS, SOCKET_IO, SENTSEEN] };
  }
  if (name === "broadcast") {
    return { name, modes: [broadcast(10, 99, 1), broadcast(10, 99, 8)], subjects: [WS_SEND, WS_FRAMED, SENTSEEN] };
  }
  return { name, modes: [idle(10_000)], subjects: [IDLE_WS, SOCKET_IO, SENTSEEN] };
}
