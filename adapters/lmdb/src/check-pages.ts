import { endianness } from "node:os";
import { DATABASE_RECORD, PAGE_HEADER, readMeta, type Tree, treeAt } from "./meta-page.js";
import { PageFile } from "./page-file.js";

/**
 * Pages that are looked at, at most: a quarter of a gigabyte, some hundred milliseconds. They are taken level by
 * level, so that of a larger file at least all that leads to the rest is sound.
 */
const MAX_PAGES = 65_536;

const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const NODE_HEADER = 8;
const BIG_DATA = 0x01;
const SUB_DATABASE = 0x02;
const OVERFLOW_RECORD = 24;

/** Places in a page's header. */
const AT = { number: 0, flags: 18, lower: 20, upper: 22, pages: 20 } as const;

interface Visit {
  readonly page: number;
  readonly depth: number;
  /** Whether values may be records of named databases. */
  readonly main: boolean;
}

/**
 * Walks the trees of a data file and throws `corrupt` where a page isn't what leads to it says. LMDB trusts its file:
 * a damaged one would end the process, so this has to be found out before it is opened.
 */
export function checkPages(path: string): void {
  // The file is in the machine's byte order; the other one is too rare to read it twice.
  if (endianness() !== "LE") return;
  const file = new PageFile(path);
  try {
    new Check(file).run();
  } finally {
    file.close();
  }
}

class Check {
  readonly #file: PageFile;
  readonly #pageSize: number;
  readonly #seen = new Set<number>();
  #level: Visit[] = [];
  #next: Visit[] = [];

  constructor(file: PageFile) {
    this.#file = file;
    const { pageSize, free, main } = readMeta(file);
    this.#pageSize = pageSize;
    this.#enqueue(free, false);
    this.#enqueue(main, true);
  }

  run(): void {
    while (this.#next.length > 0) {
      this.#level = this.#next;
      this.#next = [];
      for (const visit of this.#level) {
        if (this.#seen.size >= MAX_PAGES) return;
        this.#visit(visit);
      }
    }
  }

  #enqueue(tree: Tree | null, main: boolean): void {
    if (tree !== null) this.#next.push({ page: tree.root, depth: tree.depth, main });
  }

  #visit({ page, depth, main }: Visit): void {
    if (this.#seen.has(page)) throw this.#wrong(page, "two places lead to it");
    this.#seen.add(page);
    const bytes = this.#read(page, this.#pageSize);
    const flags = bytes.readUInt16LE(AT.flags);
    if (depth < 1 || flags !== (depth === 1 ? LEAF : BRANCH)) throw this.#wrong(page, "it is of another kind");
    const lower = bytes.readUInt16LE(AT.lower);
    const upper = bytes.readUInt16LE(AT.upper);
    const room = this.#pageSize - PAGE_HEADER;
    if (lower % 2 !== 0 || lower === 0 || lower > upper || upper > room) throw this.#wrong(page, "its bounds can't be");
    for (let at = 0; at < lower; at += 2) {
      const node = bytes.readUInt16LE(PAGE_HEADER + at);
      if (node < upper || node + NODE_HEADER > room) throw this.#wrong(page, "an entry lies outside of it");
      if (depth > 1) this.#branch(page, bytes, PAGE_HEADER + node, depth, main);
      else this.#leaf(page, bytes, PAGE_HEADER + node, main);
    }
  }

  #branch(page: number, bytes: Buffer, node: number, depth: number, main: boolean): void {
    const key = bytes.readUInt16LE(node + 6);
    if (node + NODE_HEADER + key > this.#pageSize) throw this.#wrong(page, "a key reaches out of it");
    // Two, two and two bytes make the page's number; the last two are a leaf's flags.
    this.#next.push({ page: bytes.readUIntLE(node, 6), depth: depth - 1, main });
  }

  #leaf(page: number, bytes: Buffer, node: number, main: boolean): void {
    const size = bytes.readUInt32LE(node);
    const flags = bytes.readUInt16LE(node + 4);
    const data = node + NODE_HEADER + bytes.readUInt16LE(node + 6);
    const within = flags & BIG_DATA ? OVERFLOW_RECORD : size;
    if (data + within > this.#pageSize) throw this.#wrong(page, "a value reaches out of it");
    if ((flags & ~(BIG_DATA | SUB_DATABASE)) !== 0) throw this.#wrong(page, "an entry is of an unknown kind");
    if (flags & BIG_DATA) this.#overflow(page, bytes, data, size);
    if (flags & SUB_DATABASE) {
      if (!main || size !== DATABASE_RECORD) throw this.#wrong(page, "a database stands where none can be");
      this.#enqueue(treeAt(bytes, data), false);
    }
  }

  /** A value that has pages of its own: the first one says what and how many they are. */
  #overflow(page: number, bytes: Buffer, at: number, size: number): void {
    const first = Number(bytes.readBigUInt64LE(at));
    const pages = Number(bytes.readBigUInt64LE(at + 16));
    if (PAGE_HEADER + size > pages * this.#pageSize) throw this.#wrong(page, "a value has too few pages");
    const header = this.#read(first, PAGE_HEADER);
    if (header.readUInt16LE(AT.flags) !== OVERFLOW) throw this.#wrong(first, "it is of another kind");
    if (header.readUInt32LE(AT.pages) !== pages) throw this.#wrong(first, "it has another number of pages");
    this.#file.mustReach((first + pages) * this.#pageSize, `page ${first + pages - 1}`);
  }

  #read(page: number, length: number): Buffer {
    const bytes = this.#file.read(page * this.#pageSize, length, `page ${page}`);
    const says = Number(bytes.readBigUInt64LE(AT.number));
    if (says !== page) throw this.#wrong(page, `it says that it is page ${says}`);
    return bytes;
  }

  #wrong(page: number, how: string): Error {
    return this.#file.damaged(`page ${page}: ${how}`);
  }
}
