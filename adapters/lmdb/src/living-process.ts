import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Enough about a process to tell later whether it still runs, though its pid may have been given to another. */
export interface ProcessMark {
  readonly pid: number;
  readonly host: string;
  /** The run of the machine, where it can be told apart: with another one, no process of the last is alive. */
  readonly boot: string | null;
  /** When the process started, in whatever form the platform says it; null where it can't be known. */
  readonly started: string | null;
}

/** The mark of this process. */
export function thisProcess(): ProcessMark {
  return { pid: process.pid, host: hostname(), boot: bootId(), started: startOf(process.pid) };
}

/**
 * Whether the marked process may still run. A process of another host counts as running where the runs of machines
 * can't be told apart: better refuse once too often. In the same run, another host is another container of this
 * machine, where a pid says nothing; whether its process lives is then for the kernel to say, when LMDB is opened.
 */
export function mayRun(mark: ProcessMark): boolean {
  const boot = bootId();
  const comparable = boot !== null && mark.boot !== null;
  if (comparable && boot !== mark.boot) return false;
  if (mark.host !== hostname()) return !comparable;
  if (!exists(mark.pid)) return false;
  const started = startOf(mark.pid);
  return started === null || mark.started === null || started === mark.started;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function bootId(): string | null {
  return readLinux("/proc/sys/kernel/random/boot_id");
}

/** A process that has ended and waits to be collected by its parent has no start: it holds nothing any more. */
function startOf(pid: number): string | null {
  if (process.platform === "linux") return startOnLinux(pid);
  if (process.platform === "win32") return null;
  try {
    const shown = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 2_000,
    });
    return shown.trim() || "ended";
  } catch {
    return null;
  }
}

function startOnLinux(pid: number): string | null {
  const stat = readLinux(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name of the program stands in parentheses and may hold anything; what follows the last one is regular.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  return state === "Z" || state === "X" ? "ended" : (fields[19] ?? null);
}

function readLinux(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
