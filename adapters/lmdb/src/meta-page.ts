import type { PageFile } from "./page-file.js";

/** Where a tree begins and how many levels it has; null for an empty one. */
export interface Tree {
  readonly root: number;
  readonly depth: number;
}

/** What the newer of the two meta pages says: the state that LMDB would open. */
export interface Meta {
  readonly pageSize: number;
  /** The pages that are free, by transaction. */
  readonly free: Tree | null;
  /** The named databases. */
  readonly main: Tree | null;
}

const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const META_PAGE = 0x08;
export const PAGE_HEADER = 24;
export const DATABASE_RECORD = 48;

/** Places in a meta page, as LMDB's struct MDB_meta after the header lays them. */
const AT = { flags: 18, magic: 24, format: 28, free: 48, main: 96, transaction: 152, end: 168 } as const;
/** Where the magic number stands in files of LMDB's classic format. */
const AT_CLASSIC_MAGIC = 16;

/** Reads both meta pages and answers the newer one. Throws `corrupt` where they aren't what LMDB writes. */
export function readMeta(file: PageFile): Meta {
  const first = file.read(0, AT.end, "its first page");
  if (first.readUInt32LE(AT_CLASSIC_MAGIC) === MAGIC) {
    throw file.damaged("it is an LMDB file of another format, written by another program");
  }
  checkMeta(file, first, 0);
  const pageSize = first.readUInt32LE(AT.free);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) {
    throw file.damaged(`a page of ${pageSize} bytes can't be`);
  }
  const second = file.read(pageSize, AT.end, "its second page");
  checkMeta(file, second, 1);
  const newer = second.readBigUInt64LE(AT.transaction) > first.readBigUInt64LE(AT.transaction) ? second : first;
  return { pageSize, free: treeAt(newer, AT.free), main: treeAt(newer, AT.main) };
}

/** The tree that a database's record, at a place in some bytes, describes. */
export function treeAt(bytes: Buffer, at: number): Tree | null {
  const root = bytes.readBigUInt64LE(at + 40);
  return root === 0xffff_ffff_ffff_ffffn ? null : { root: Number(root), depth: bytes.readUInt16LE(at + 6) };
}

function checkMeta(file: PageFile, page: Buffer, number: number): void {
  if ((page.readUInt16LE(AT.flags) & META_PAGE) === 0 || page.readUInt32LE(AT.magic) !== MAGIC) {
    throw file.damaged(`page ${number} is not what LMDB writes there`);
  }
  const format = page.readUInt32LE(AT.format) & 0xffff;
  if (format !== FORMAT) throw file.damaged(`it has LMDB's format ${format}, this program reads ${FORMAT}`);
}
