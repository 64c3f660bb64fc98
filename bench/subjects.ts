import type { WireName } from "./load/job.js";

/** A server that is measured. */
export interface Subject {
  readonly name: string;
  /** The built script of its process. */
  readonly peer: string;
  readonly wire: WireName;
  /** What its process is told; `directory` is empty, its own, and removed afterwards. */
  readonly options?: (directory: string) => unknown;
}

export const SENTSEEN: Subject = {
  name: "sentseen",
  peer: "sentseen",
  wire: "sentseen",
  options: (directory) => ({ directory }),
};
export const SOCKET_IO: Subject = { name: "socket.io", peer: "socket-io", wire: "socket.io" };
export const RAW_WS: Subject = { name: "raw-ws", peer: "raw-ws", wire: "raw" };
export const IDLE_WS: Subject = { name: "raw-ws", peer: "idle-ws", wire: "raw" };
export const WS_SEND: Subject = { name: "ws-send", peer: "fan-out", wire: "raw", options: () => ({ framed: false }) };
export const WS_FRAMED: Subject = {
  name: "ws-framed",
  peer: "fan-out",
  wire: "raw",
  options: () => ({ framed: true }),
};
