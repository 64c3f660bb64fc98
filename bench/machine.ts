import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** The kernel counts in hundredths of a second for user space, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds since boot, all cores together. */
export interface CpuTimes {
  /** Processes in user mode, niced ones too. */
  readonly user: number;
  readonly busy: number;
  /** Taken by the host for other guests. */
  readonly steal: number;
}

export function cpuTimes(): CpuTimes {
  const line = readFileSync("/proc/stat", "latin1").split("\n", 1)[0] ?? "";
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  return { user: user + nice, busy: user + nice + system + irq + softirq, steal };
}

/** Seconds of CPU of one process, its dead threads included. */
export interface ProcessCpu {
  readonly user: number;
  readonly total: number;
}

export function processCpu(pid: number): ProcessCpu {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name, second field, may hold spaces and parentheses: count from behind its last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const user = Number(fields[11]) / TICKS_PER_SECOND;
  return { user, total: user + Number(fields[12]) / TICKS_PER_SECOND };
}

/** How much of one core may be busy or stolen while nothing of ours runs. */
const QUIET_SHARE = 0.06;
const LOOK_MS = 400;

/** Waits until the machine does nothing else, at most `patience_ms`. Answers whether it came to that. */
export async function quietMachine(patience_ms: number): Promise<boolean> {
  const deadline = performance.now() + patience_ms;
  for (;;) {
    const begin = cpuTimes();
    const at = performance.now();
    await pause(LOOK_MS);
    const end = cpuTimes();
    const seconds = (performance.now() - at) / 1000;
    const busy = (end.busy - begin.busy + end.steal - begin.steal) / seconds;
    if (busy <= QUIET_SHARE) return true;
    if (performance.now() > deadline) return false;
  }
}
