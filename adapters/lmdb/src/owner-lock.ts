import { randomUUID } from "node:crypto";
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChatError } from "sentseen/ports";
import { mayRun, type ProcessMark, thisProcess } from "./living-process.js";

/** `owner.1`, `owner.2` … The highest number is the lock that counts. */
const NAME = /^owner\.(\d{1,15})$/;

/** Somebody else takes and gives back the directory all the time if even this many tries don't settle it. */
const TRIES = 100;

/** The right of this process to a directory, until `release`. */
export interface OwnerLock {
  release(): void;
}

/**
 * Takes a directory for this process alone, or throws `in_use` naming the owner.
 *
 * A lock is a file that comes into being with its content, by a hard link to a finished one. The lock of a process
 * that is gone is not removed and made again, which two newcomers could do to each other, but topped: the next number
 * is made, which only one of them can, and only then the lower ones are cleared away. A newcomer that made a number
 * while a higher one had come takes its own back.
 */
export function takeDirectory(directory: string): OwnerLock {
  const mine = join(directory, `.owner-${randomUUID()}`);
  writeFileSync(mine, JSON.stringify(thisProcess()), { flag: "wx" });
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const top = topNumber(directory);
      if (top > 0) refuseIfOwned(directory, top);
      const number = top + 1;
      if (!made(mine, lockPath(directory, number))) continue;
      if (topNumber(directory) > number) {
        rmSync(lockPath(directory, number), { force: true });
        continue;
      }
      clearBelow(directory, number);
      return { release: () => rmSync(lockPath(directory, number), { force: true }) };
    }
    throw new ChatError("in_use", `The directory ${directory} is being taken by other processes over and over.`);
  } finally {
    rmSync(mine, { force: true });
  }
}

/** The error for a directory that another process has open, also where the lock file doesn't tell. */
export function inUse(directory: string, owner: string): ChatError {
  return new ChatError("in_use", `The directory ${directory} is open in ${owner}: one process at a time may use it.`);
}

function refuseIfOwned(directory: string, number: number): void {
  const path = lockPath(directory, number);
  const owner = read(path);
  if (owner === null || !mayRun(owner)) return;
  const { pid, host } = owner;
  const where = host === thisProcess().host ? "" : ` on ${host}; remove ${path} if that process is surely gone`;
  throw inUse(directory, `process ${pid}${where}`);
}

/** Null where the lock was given back meanwhile, or holds what no owner writes. */
function read(path: string): ProcessMark | null {
  try {
    const mark: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isMark(mark) ? mark : null;
  } catch {
    return null;
  }
}

function isMark(value: unknown): value is ProcessMark {
  if (typeof value !== "object" || value === null) return false;
  const { pid, host, boot, started } = value as Partial<Record<keyof ProcessMark, unknown>>;
  const textOrNull = (field: unknown) => field === null || typeof field === "string";
  return Number.isSafeInteger(pid) && typeof host === "string" && textOrNull(boot) && textOrNull(started);
}

function topNumber(directory: string): number {
  let top = 0;
  for (const name of readdirSync(directory)) top = Math.max(top, Number(NAME.exec(name)?.[1] ?? 0));
  return top;
}

function clearBelow(directory: string, number: number): void {
  for (const name of readdirSync(directory)) {
    if (Number(NAME.exec(name)?.[1] ?? number) < number) rmSync(join(directory, name), { force: true });
  }
}

/** Whether the link could be made: false where somebody else made that number first. */
function made(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function lockPath(directory: string, number: number): string {
  return join(directory, `owner.${number}`);
}
