import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ChatError } from "sentseen/ports";
import { checkPages } from "./check-pages.js";

/** What the marker and the database itself say about who wrote them. */
export const PROGRAM = "@sentseen/lmdb";
export const FORMAT = 1;

/** The files of a data directory. */
export interface DataDirectory {
  readonly path: string;
  /** LMDB's own file. */
  readonly data: string;
  /** Says, once it is there, that the data file was complete and must never be missing or empty again. */
  readonly marker: string;
  /** Where a compacted copy comes into being. */
  readonly compacting: string;
}

/** Makes the directory if it isn't there. Throws `corrupt` where something else has its name. */
export function makeDirectory(directory: string): DataDirectory {
  if (existsSync(directory) && !statSync(directory).isDirectory()) {
    throw new ChatError("corrupt", `${directory} is not a directory.`);
  }
  makeWithParents(directory);
  const file = (name: string) => join(directory, name);
  return {
    path: directory,
    data: file("data.mdb"),
    marker: file("format.json"),
    compacting: file("compacting"),
  };
}

/**
 * Looks at what is there before LMDB does, which would take an empty file for a new one and end the process over a
 * damaged one. Throws `corrupt`, saying what is wrong and where. What a compaction left half done is removed.
 */
export function inspect(directory: DataDirectory): void {
  rmSync(directory.compacting, { recursive: true, force: true });
  const marked = readMarker(directory);
  const size = existsSync(directory.data) ? statSync(directory.data).size : 0;
  if (size > 0) {
    checkPages(directory.data);
  } else if (marked) {
    const text = `${directory.data} is missing or empty though the directory holds data of ${PROGRAM}.`;
    throw new ChatError("corrupt", `${text} Restore it, or empty the directory to begin anew.`);
  }
}

/** Says that the directory is complete. Durable when it returns; does nothing where it was said before. */
export function mark(directory: DataDirectory): void {
  if (existsSync(directory.marker)) return;
  const finished = `${directory.marker}.new`;
  writeFileSync(finished, `${JSON.stringify({ program: PROGRAM, format: FORMAT })}\n`);
  syncFile(finished);
  renameSync(finished, directory.marker);
  syncDirectory(directory.path);
}

/** Puts the compacted copy in the data file's place. Durable when it returns; either file is there at any time. */
export function replaceData(directory: DataDirectory): void {
  const copy = join(directory.compacting, "data.mdb");
  syncFile(copy);
  renameSync(copy, directory.data);
  rmSync(directory.compacting, { recursive: true, force: true });
  syncDirectory(directory.path);
}

/** Throws `corrupt` unless a format is the one that this program reads. */
export function checkFormat(where: string, found: unknown): void {
  if (found === FORMAT) return;
  const whose = typeof found === "number" && found > FORMAT ? "a newer version of " : "something other than ";
  throw new ChatError(
    "corrupt",
    `${where} was written by ${whose}${PROGRAM}: format ${found}, this one reads ${FORMAT}.`,
  );
}

/** Level by level: mkdir's own recursion never ends where the system refuses a level as /proc does. */
function makeWithParents(path: string): void {
  if (existsSync(path)) return;
  makeWithParents(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function readMarker({ marker }: DataDirectory): boolean {
  if (!existsSync(marker)) return false;
  const { program, format } = parse(marker);
  if (program !== PROGRAM) throw new ChatError("corrupt", `${marker} is not a marker of ${PROGRAM}.`);
  checkFormat(marker, format);
  return true;
}

function parse(marker: string): { readonly program?: unknown; readonly format?: unknown } {
  try {
    const value: unknown = JSON.parse(readFileSync(marker, "utf8"));
    return typeof value === "object" && value !== null ? value : {};
  } catch (cause) {
    throw new ChatError("corrupt", `${marker} is damaged or not of ${PROGRAM}.`, { cause });
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A rename is durable once its directory is. Windows has no such thing and needs none. */
function syncDirectory(path: string): void {
  if (process.platform === "win32") return;
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
