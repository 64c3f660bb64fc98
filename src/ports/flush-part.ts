import type { Offset } from "./queue.js";
import type { Write } from "./storage.js";

/** A part of an owner's memory that goes to storage with each flush. */
export interface FlushPart {
  /** What is to be written so that everything up to `upTo` is in storage. Called once for each flush. */
  collect(upTo: Offset): Write[];
  /** That flush has landed whole. */
  landed(upTo: Offset): void;
}
