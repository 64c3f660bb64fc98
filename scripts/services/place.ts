import { join, resolve } from "node:path";

/** The checkout. */
export const ROOT = resolve(import.meta.dirname, "../..");

/**
 * Several sets of services may live beside each other: a run that kills and wipes takes one of its own by setting
 * SENTSEEN_SERVICES to another name.
 */
export const SET = process.env.SENTSEEN_SERVICES ?? "default";
if (!/^[a-z0-9-]{1,40}$/.test(SET)) throw new Error(`SENTSEEN_SERVICES must be like "my-set-1", not "${SET}".`);

export const CACHE = join(ROOT, ".services", "cache");
export const HOME = join(ROOT, ".services", "sets", SET);

const FIRST_PORT = 16_400;
const BLOCK = 40;
const BLOCKS = 300;

/**
 * Where this set's block of ports begins: fixed for a checkout and a name, so that two checkouts on one machine don't
 * meet, below the ports that systems give away by themselves. SENTSEEN_SERVICES_PORT sets another.
 */
export const FIRST = Number(
  process.env.SENTSEEN_SERVICES_PORT ?? FIRST_PORT + BLOCK * (hash(`${ROOT} ${SET}`) % BLOCKS),
);

/** A port of this set. */
export function port(index: number): number {
  if (index < 0 || index >= BLOCK) throw new RangeError(`A set has ports 0 to ${BLOCK - 1}, not ${index}.`);
  return FIRST + index;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
