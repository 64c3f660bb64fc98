import type { Versioned } from "sentseen/ports";
import { numberOf } from "./values.js";

/** What a row with a record's offset and a value says; null where there is no row. */
export function versioned(
  row: { readonly record_offset: unknown; readonly value: Uint8Array | null } | undefined,
): Versioned | null {
  const offset = numberOf(row?.record_offset);
  return offset === null || !row?.value ? null : { value: row.value, offset };
}
