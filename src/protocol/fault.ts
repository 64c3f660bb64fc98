import { ChatError } from "../errors.js";

/**
 * What is wrong with a value, on its way up to the frame. Each object that it passes through puts its key before the
 * path, so reading a good frame makes no paths. Never leaves this folder.
 */
export class Fault extends Error {
  private path = "";

  constructor(
    private readonly code: "invalid" | "too_large",
    what: string,
    private readonly limit?: number,
  ) {
    super(what);
  }

  /** The same, seen from the object that has the value under `key`. */
  under(key: string): this {
    this.path = this.path === "" ? key : `${key}.${this.path}`;
    return this;
  }

  toError(): ChatError {
    return new ChatError(this.code, `${this.path}: ${this.message}`, { field: this.path, limit: this.limit });
  }
}

/** A value of another kind, or out of bounds; `limit` is the bound that was passed. */
export function invalid(what: string, limit?: number): never {
  throw new Fault("invalid", what, limit);
}

export function tooLarge(limit: number, unit: string): never {
  throw new Fault("too_large", `at most ${limit} ${unit}`, limit);
}
