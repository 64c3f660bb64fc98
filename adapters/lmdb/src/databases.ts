import type { Database, DatabaseOptions, RootDatabase } from "lmdb";

export type Rows = Database<Buffer, Buffer>;

/**
 * The named databases of the environment.
 *
 * | name | key | value |
 * |---|---|---|
 * | meta | see meta-rows.ts | |
 * | log | topic, first offset, number of records | the records, see segment.ts |
 * | history | conversation, seq | offset, expiry; bytes |
 * | mailboxes | user, position | expiry; bytes |
 * | trims | user | position |
 * | device_states | user, device, partition | offset; bytes |
 * | conversations | conversation | offset; bytes |
 * | members | user, conversation | offset |
 * | left | user, conversation | offset: remembers leaving, so that a late joining brings nothing back |
 * | receipts | conversation, user | delivered, read |
 * | devices | user, device | position, seen, expiry; bytes |
 */
export const DATABASES = [
  "meta",
  "log",
  "history",
  "mailboxes",
  "trims",
  "device_states",
  "conversations",
  "members",
  "left",
  "receipts",
  "devices",
] as const;

export type DatabaseName = (typeof DATABASES)[number];

export type Databases = { readonly [Name in DatabaseName]: Rows };

/** Opens all of them, and makes those that aren't there. */
export function openDatabases(root: RootDatabase<Buffer, Buffer>): Databases {
  const open = (name: DatabaseName) => [name, openRows(root, name)] as const;
  return Object.fromEntries(DATABASES.map(open)) as unknown as Databases;
}

/** One of them if it is there and of the kind that is made here; an environment of another program may have others. */
export function existingRows(root: RootDatabase<Buffer, Buffer>, name: DatabaseName): Rows | undefined {
  try {
    const options: DatabaseOptions & { readonly create: boolean } = { ...KIND, create: false };
    return root.openDB<Buffer, Buffer>(name, options);
  } catch {
    return undefined;
  }
}

function openRows(root: RootDatabase<Buffer, Buffer>, name: DatabaseName): Rows {
  return root.openDB<Buffer, Buffer>(name, KIND);
}

/** Keys and values as they are. */
const KIND: DatabaseOptions = { encoding: "binary", keyEncoding: "binary" };

/** One change of one row: a value, or null where the row goes. */
export interface RowChange {
  readonly rows: DatabaseName;
  readonly key: Buffer;
  readonly value: Buffer | null;
}
