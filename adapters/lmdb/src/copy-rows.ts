import { DATABASES, type Databases, type Rows } from "./databases.js";

/** Bytes of keys and values that one transaction of the copy takes. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Copies all rows of one environment into another, an empty one, in the order of their keys, so that its pages get
 * full. LMDB's own compacting copy leaves a list of free pages on which lmdb 3.5 may abort the process later.
 */
export async function copyRows(from: Databases, to: Databases): Promise<void> {
  for (const name of DATABASES) await copyDatabase(from[name], to[name]);
}

async function copyDatabase(from: Rows, to: Rows): Promise<void> {
  let after: Buffer | null = null;
  do {
    const chunk = nextChunk(from, after);
    after = chunk.at(-1)?.key ?? null;
    await to.batch(() => {
      for (const { key, value } of chunk) void to.put(key, value);
    });
  } while (after !== null);
}

function nextChunk(rows: Rows, after: Buffer | null): { readonly key: Buffer; readonly value: Buffer }[] {
  const chunk: { readonly key: Buffer; readonly value: Buffer }[] = [];
  let bytes = 0;
  for (const row of rows.getRange(after === null ? {} : { start: after, exclusiveStart: true })) {
    chunk.push(row);
    bytes += row.key.length + row.value.length;
    if (bytes >= CHUNK_BYTES) break;
  }
  return chunk;
}
