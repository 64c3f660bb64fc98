import { ChatError } from "sentseen/ports";

/** What all providers have in common. */
export interface LinkOptions {
  /** Milliseconds within which each push is answered, waiting included; default 10,000. */
  readonly deadlineMs?: number;
  /** Pushes that may wait for their turn; beyond, `send` answers `retry` (`overloaded`). Default 20,000. */
  readonly maxWaiting?: number;
  /** Requests under way at once. */
  readonly concurrency?: number;
  /** Certificates (PEM) to trust instead of the well-known ones: for a proxy, or a test. */
  readonly ca?: string;
}

export interface Link {
  readonly ca: string | undefined;
  readonly deadlineMs: number;
  readonly maxWaiting: number;
  readonly concurrency: number;
}

/** The options with their defaults; throws `config` for what is no number above 0, or above `mostConcurrency`. */
export function linkOptions(options: LinkOptions, mostConcurrency: number, concurrency = mostConcurrency): Link {
  const link = { deadlineMs: 10_000, maxWaiting: 20_000, concurrency, ...defined(options) };
  for (const field of ["deadlineMs", "maxWaiting", "concurrency"] as const) {
    if (!(link[field] > 0)) throw new ChatError("config", `${field} must be a number above 0.`, { field });
  }
  if (link.concurrency > mostConcurrency) {
    throw new ChatError("config", `concurrency must be at most ${mostConcurrency}.`, {
      field: "concurrency",
      limit: mostConcurrency,
    });
  }
  return { ...link, ca: options.ca };
}

function defined({ deadlineMs, maxWaiting, concurrency }: LinkOptions): Partial<Omit<Link, "ca">> {
  const given = Object.entries({ deadlineMs, maxWaiting, concurrency });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** Throws `config` where an option isn't some text. */
export function givenText(field: string, value: unknown): void {
  if (typeof value !== "string" || value === "") {
    throw new ChatError("config", `${field} must be some text.`, { field });
  }
}
