import { ERRORS, type ErrorCode } from "../errors.js";

/** From 4000 on a client comes back by itself, after a delay; from 4500 on it stays away until told otherwise. */
export const STAY_AWAY = 4500;

/** Whether a client that saw this close code connects again by itself. */
export function comesBack(closeCode: number): boolean {
  return closeCode < STAY_AWAY || closeCode >= 5000;
}

/** The close code that goes with an error; 1011 for those that have none. */
export function closeCodeOf(code: ErrorCode): number {
  return ERRORS[code].close ?? 1011;
}
