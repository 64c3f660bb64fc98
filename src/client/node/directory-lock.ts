import { link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ChatError, isChatError } from "../../errors.js";
import { newId } from "../../model/ids.js";

const NAME = /^lock-(\d+)$/;

interface Owner {
  /** The process; 0 where it let go. */
  readonly pid: number;
  /** When the process began, as the system tells, where it does: numbers of processes are used again. */
  readonly began: string;
}

/** Locks that this process holds: it is its own neighbour where two clients open one directory. */
const held = new Set<string>();

/**
 * Takes a directory for this process; answers what lets go of it. Rejects with `in_use` while a process that lives
 * has it. Locks are numbered, and each appears whole, under the number above the last one: of two that find the same
 * dead owner only one can become the next. The last lock stays behind, marked as let go, so numbers only grow.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const draft = join(directory, `draft-${newId()}`);
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(draft, JSON.stringify({ pid: process.pid, began: await beginning("self") } satisfies Owner));
    const path = await take(directory, draft);
    return async () => {
      if (!held.delete(path)) return;
      await writeFile(draft, JSON.stringify({ pid: 0, began: "" } satisfies Owner));
      await rename(draft, path);
    };
  } catch (cause) {
    if (isChatError(cause)) throw cause;
    throw new ChatError("store_unavailable", `${directory} can't be locked.`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

async function take(directory: string, draft: string): Promise<string> {
  for (;;) {
    const numbers = await lockNumbers(directory);
    const last = Math.max(0, ...numbers);
    const former = join(directory, `lock-${last}`);
    if (last > 0 && (held.has(former) || (await isOwned(former)))) {
      throw new ChatError("in_use", `${directory} is open in another client.`, { field: "store" });
    }
    const path = join(directory, `lock-${last + 1}`);
    if (!(await appears(draft, path))) continue;
    held.add(path);
    // Whoever was so slow that others came and went meanwhile has a number of the past.
    if (Math.max(...(await lockNumbers(directory))) > last + 1) {
      held.delete(path);
      await rm(path, { force: true });
      continue;
    }
    for (const number of numbers) await rm(join(directory, `lock-${number}`), { force: true });
    return path;
  }
}

async function lockNumbers(directory: string): Promise<number[]> {
  return (await readdir(directory)).flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
}

/** Gives the draft a second name; false where another has it already. */
async function appears(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isOwned(path: string): Promise<boolean> {
  let owner: Owner;
  try {
    owner = JSON.parse(await readFile(path, "utf8")) as Owner;
  } catch (error) {
    // It was replaced meanwhile, and the next look will tell; what can't be read is nobody's.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return false;
    throw error;
  }
  if (owner.pid === 0 || !isRunning(owner.pid)) return false;
  const began = await beginning(String(owner.pid));
  return began === "" || owner.began === "" || began === owner.began;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process began, in a form that no other process of the same number shares; empty where it isn't told. */
async function beginning(pid: string): Promise<string> {
  try {
    const [boot, stat] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      readFile(`/proc/${pid}/stat`, "utf8"),
    ]);
    // The name, in brackets, may hold anything; the start time is the 20th field behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${boot.trim()} ${fields[19]}`;
  } catch {
    return "";
  }
}
