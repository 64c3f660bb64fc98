import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * What tells a process from a later one with the same id: when it began. Null where there is none, or only what is
 * left of one that its parent hasn't looked after yet.
 */
export function beginningOf(pid: number): string | null {
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" || state === "X" ? null : (fields[18] ?? null);
    } catch {
      return null;
    }
  }
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null;
  } catch {
    return null;
  }
}

/** A process as it is written down: `pid beginning`. */
export function identityOf(pid: number): string {
  return `${pid} ${beginningOf(pid) ?? "gone"}`;
}

/** The id of the process that was written down, if it is still the same and alive. */
export function livingPid(identity: string): number | null {
  const space = identity.indexOf(" ");
  const pid = Number(identity.slice(0, space));
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  return beginningOf(pid) === identity.slice(space + 1).trim() ? pid : null;
}
