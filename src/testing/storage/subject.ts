import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Uuid } from "../../model/ids.js";
import type { Storage } from "../../ports/storage.js";
import type { Clause, Fixture } from "../contract.js";

/**
 * - `atomicity`: a whole call lands or none of it.
 * - `durability`: rows survive `restart`.
 * - `sweeping`: expired rows go by `sweep`, not by the engine's own means.
 */
export type StorageCapability = "atomicity" | "durability" | "sweeping";

/** A storage for one test. */
export interface StorageFixture extends Fixture<Storage> {
  /** Closes the storage and answers it opened anew on what it had stored. */
  restart?(): Promise<Storage>;
}

export type StorageClause = Clause<StorageFixture, StorageCapability>;

/** A user id that no other test has. */
export function someone(name = "user"): string {
  return `${name}-${randomUUID()}`;
}

/** A UUID that no other test has. */
export function someId(): Uuid {
  return randomUUID();
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Compares rows with bytes in them, whatever kind of byte array an adapter answers. */
export function assertSame(actual: unknown, expected: unknown, message?: string): void {
  assert.deepEqual(plain(actual), plain(expected), message);
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** Looks again and again while a write is under way, and fails if looking or the write does. */
export async function whileWriting(writing: Promise<void>, look: () => Promise<void>): Promise<void> {
  let landed = false;
  const settled = writing.finally(() => {
    landed = true;
  });
  try {
    while (!landed) {
      await look();
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    await settled;
  }
}
