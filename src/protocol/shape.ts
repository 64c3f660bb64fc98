import { ChatError } from "../errors.js";
import { Fault } from "./fault.js";
import type { Field, Fields } from "./field.js";
import type { MsgpackReader } from "./msgpack-reader.js";
import { type MsgpackWriter, type Words, words } from "./msgpack-writer.js";
import { TextTable } from "./text-table.js";

const utf8 = new TextEncoder();

interface Entry {
  readonly key: string;
  /** The key as MessagePack. */
  readonly encoded: Words;
  readonly field: Field<unknown>;
  /** The entry's place in the set of those seen. */
  readonly bit: number;
}

/** The fields of one object or frame, ready to be read and written. At most 15, so that a map's header is one byte. */
export class Shape<T> {
  private readonly entries: readonly Entry[];
  private readonly table: TextTable<Entry>;
  private readonly required: number;
  private readonly byKey: ReadonlyMap<string, Entry>;
  /** The order in which the fields of the last value came: that of the next one, most likely. */
  private readonly order: Entry[] = [];

  constructor(fields: Fields) {
    this.entries = Object.entries(fields).map(([key, field], i) => {
      const name = utf8.encode(key);
      return { key, encoded: words(Uint8Array.of(0xa0 | name.length, ...name)), field, bit: 1 << i };
    });
    if (this.entries.length > 15) throw new RangeError("A shape has at most 15 fields.");
    this.table = new TextTable(this.entries.map((entry) => [entry.key, entry]));
    this.byKey = new Map(this.entries.map((entry) => [entry.key, entry]));
    this.required = this.entries.reduce((bits, { field, bit }) => (field.optional ? bits : bits | bit), 0);
  }

  /** Reads `pairs` pairs; fields that the shape doesn't know are passed over. */
  read(reader: MsgpackReader, pairs: number): T {
    const into: Record<string, unknown> = {};
    let seen = 0;
    for (let i = 0; i < pairs; i++) {
      const length = reader.textLength();
      if (length === null) throw new ChatError("malformed", "A map's keys must be text.");
      const entry = this.table.find(reader.bytes, reader.pos, length);
      reader.pos += length;
      if (entry === undefined) {
        reader.skip();
        continue;
      }
      const { field } = entry;
      if (field.optional && reader.nil()) continue;
      try {
        into[entry.key] = field.read(reader);
      } catch (error) {
        throw error instanceof Fault ? error.under(entry.key) : error;
      }
      seen |= entry.bit;
    }
    return this.complete(into, seen);
  }

  private complete(value: Record<string, unknown>, seen: number): T {
    const missing = this.required & ~seen;
    if (missing !== 0) {
      const first = this.entries.find(({ bit }) => (bit & missing) !== 0) as Entry;
      throw new Fault("invalid", "is missing").under(first.key);
    }
    return value as T;
  }

  /** Writes a map of the fields that `value` has. */
  write(writer: MsgpackWriter, value: T): void {
    const record = value as Record<string, unknown>;
    const { order } = this;
    const header = writer.reserve(1);
    let place = 0;
    for (const key in record) {
      const item = record[key];
      if (item === undefined) continue;
      let entry = order[place];
      if (entry === undefined || entry.key !== key) {
        entry = this.byKey.get(key);
        if (entry === undefined) continue;
        order[place] = entry;
      }
      place++;
      writer.words(entry.encoded);
      entry.field.write(writer, item);
    }
    writer.patch(header, 0x80 | place);
  }
}
